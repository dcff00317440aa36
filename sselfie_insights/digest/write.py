"""The digest as files: mail, page, text and JSON; all say the same, and equal digests are equal."""

import json
from base64 import b64encode
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sselfie_insights.digest.content import Digest
from sselfie_insights.files import make_folder, require_replaceable, storage_error, write_file
from sselfie_insights.printable import clean, mark
from sselfie_insights.report.draw.picture import draw_bare_png
from sselfie_insights.resources import resource_dir

MOST_BYTES = 100_000
"""Of a mail, with its images; more, and mail programs cut it."""

_CHART_SIZE = (560, 180)
_DENSITIES = (2.0, 1.5, 1.25, 1.0)
_WRAP = 78
# Slack's own limits of a message: blocks, and characters of one.
_MOST_BLOCKS, _MOST_CHARACTERS = 50, 3000


def write_files(digest: Digest, folder: Path) -> list[Path]:
    """Write ``digest.eml``, ``digest.html``, ``digest.txt`` and ``digest.json`` into ``folder``.

    Raises:
        UsageError: A file of that name is none of ours.
        StorageError: The folder cannot be written.
    """
    mail = write_mail(digest, sender="", recipients=(), at=digest.stamp.as_of)
    images = [f"data:image/png;base64,{b64encode(image).decode()}" for image in _draw(digest, 2)]
    content = json.dumps(write_json(digest), ensure_ascii=False, indent=1)
    contents = {
        "digest.eml": mail.as_bytes(),
        "digest.html": write_html(digest, images).encode(),
        "digest.txt": write_text(digest).encode(),
        "digest.json": f"{content}\n".encode(),
    }
    try:
        make_folder(folder)
    except OSError as error:
        raise storage_error(f"{folder} cannot be created", error) from None
    for name, text in contents.items():
        require_replaceable(folder / name, text)
    for name, text in contents.items():
        write_file(folder / name, text)
    return [folder / name for name in contents]


def write_text(digest: Digest) -> str:
    """Return the digest as plain text of short lines, for a terminal's mail reader."""
    from textwrap import fill

    def item(text: str, address: str = "") -> list[str]:
        lines = [fill(clean(text), _WRAP, initial_indent="* ", subsequent_indent="  ")]
        return [*lines, f"  {address}"] if address else lines

    lines = [digest.title, "=" * len(digest.title), "", fill(digest.trust, _WRAP), ""]
    for notice in digest.notices:
        lines += [fill(f"Please note: {clean(notice)}", _WRAP), ""]
    if digest.sentences:
        lines += ["Since last week", "---------------"]
        for sentence in digest.sentences:
            lines += item(sentence.text, digest.link(sentence.page))
        lines.append("")
    lines += ["This week", "---------"]
    for task in digest.tasks:
        lines += [*item(task.text), f"  {task.command}"]
    if not digest.tasks:
        lines.append("Nobody is ready to be contacted.")
    for _, chart in digest.charts:
        lines += ["", *item(chart.summary)]
    if digest.site:
        lines += ["", f"More: {digest.site}/"]
    return "\n".join(lines) + "\n"


def write_html(digest: Digest, images: list[str]) -> str:
    """Return the digest as HTML; ``images`` are the addresses of its charts' drawings."""
    return _environment().get_template("digest.html").render(digest=digest, images=images)


def write_json(digest: Digest) -> dict[str, Any]:
    """Return the digest as JSON; its ``text`` is what chat webhooks show."""
    return {
        "text": write_text(digest),
        "title": digest.title,
        "trust": digest.trust,
        "as_of": digest.stamp.as_of.isoformat().replace("+00:00", "Z"),
        "timezone": digest.stamp.timezone,
        "run_id": digest.stamp.run_id,
        "definitions": digest.stamp.definitions,
        "notices": list(digest.notices),
        "since_last_week": [
            {
                "measure": each.measure,
                "text": each.text,
                "numbers": list(each.numbers),
                "page": each.page,
            }
            for each in digest.sentences
        ],
        "this_week": [{"text": task.text, "command": task.command} for task in digest.tasks],
        "charts": [{"title": title, "summary": chart.summary} for title, chart in digest.charts],
    }


def write_slack(digest: Digest) -> dict[str, Any]:
    """Return the digest as the JSON of a Slack webhook (Block Kit)."""

    def section(*lines: str) -> dict[str, Any]:
        text = "\n".join(lines)[:_MOST_CHARACTERS]
        return {"type": "section", "text": {"type": "mrkdwn", "text": text}}

    changes = []
    for sentence in digest.sentences:
        address = digest.link(sentence.page)
        changes.append(f"• {_plain(sentence.text)}" + (f" <{address}|more>" if address else ""))
    tasks = [f"• {_plain(task.text)}\n`{_plain(task.command)}`" for task in digest.tasks]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": digest.title}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": _plain(digest.trust)}]},
        *(section(f"*Please note:* {_plain(notice)}") for notice in digest.notices),
        section("*Since last week*", *changes),
        section("*This week*", *(tasks or ["Nobody is ready to be contacted."])),
        *(section(_plain(chart.summary)) for _, chart in digest.charts),
    ]
    return {"text": digest.title, "blocks": blocks[:_MOST_BLOCKS]}


def write_mail(
    digest: Digest, *, sender: str, recipients: tuple[str, ...], at: datetime
) -> EmailMessage:
    """Return the digest as a mail of two parts, text and HTML, with its images inside.

    The images are as dense as ``MOST_BYTES`` allows.

    Args:
        digest: What it says.
        sender: The address that it comes from; empty for a file.
        recipients: Whom it goes to; nobody for a file.
        at: The date that it carries.
    """
    mail = EmailMessage()
    for density in _DENSITIES:
        mail = _compose(digest, _draw(digest, density))
        if len(mail.as_bytes()) <= MOST_BYTES:
            break
    mail["Subject"] = digest.title
    if sender:
        mail["From"] = sender
        mail["To"] = ", ".join(recipients)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{_identify(digest)}@digest.sselfie-insights>"
    mail["Auto-Submitted"] = "auto-generated"
    return mail


def _compose(digest: Digest, images: list[bytes]) -> EmailMessage:
    mail = EmailMessage()
    mail.set_content(write_text(digest), cte="quoted-printable")
    ids = [f"chart-{number}@digest.sselfie-insights" for number, _ in enumerate(images, 1)]
    page = write_html(digest, [f"cid:{each}" for each in ids])
    mail.add_alternative(page, subtype="html", cte="quoted-printable")
    *_, html = mail.iter_parts()
    assert isinstance(html, EmailMessage)  # noqa: S101  # the part just added
    for each, image in zip(ids, images, strict=True):
        html.add_related(image, "image", "png", cid=f"<{each}>")
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"part-{number}-of-{_identify(digest)}")
    return mail


def _identify(digest: Digest) -> str:
    return f"{digest.stamp.as_of_on}.{digest.stamp.run_id or 'unknown'}"


def _draw(digest: Digest, density: float) -> list[bytes]:
    return [draw_bare_png(chart, _CHART_SIZE, density) for _, chart in digest.charts]


def _plain(text: str) -> str:
    """Escape what Slack would take for markup, in one line."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(resource_dir("reports") / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: mark(value) if type(value) is str else value,
    )
