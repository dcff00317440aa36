import email
import email.policy
import json
import re
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app
from sselfie_insights.digest import Digest, write_files
from sselfie_insights.digest.content import Task, list_tasks
from sselfie_insights.digest.write import write_html, write_json, write_slack, write_text
from sselfie_insights.errors import UsageError
from sselfie_insights.notebook import Warehouse
from tests.support.markup import find_faults


def read_mail(path: Path) -> EmailMessage:
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_every_form_says_what_the_overview_does(digest: Digest, tmp_path: Path) -> None:
    """Its sentences are in ``tests/golden/reports/overview.txt``, whose numbers are known."""
    write_files(digest, tmp_path / "out")
    overview = Path(__file__).parents[2] / "golden" / "reports" / "overview.txt"
    expected = " ".join(overview.read_text().partition("This week")[0].split())
    text = " ".join((tmp_path / "out" / "digest.txt").read_text().split())
    assert len(digest.sentences) == 5
    for sentence in digest.sentences:
        assert sentence.text in expected
        assert f"* {sentence.text}" in text
    assert "* Trained, idle: 53 people, best by Sunday 15 November 2026, to use the studio" in text
    content = json.loads((tmp_path / "out" / "digest.json").read_text())
    assert content["since_last_week"][1]["numbers"][0]["now_count"] == 135
    assert content["this_week"][0]["command"] == "sselfie segment export trained_idle"
    page = (tmp_path / "out" / "digest.html").read_text()
    # Drawings are inside of it: a digest may hold images, a page none.
    assert set(find_faults(page)) <= {"there is a <img>"}
    assert re.findall(r'src="(?!data:image/png;base64,)', page) == []
    assert all(sentence.text in page for sentence in digest.sentences)


def test_a_hidden_number_is_not_said_to_be_of_few(published: Path) -> None:
    with Warehouse(published) as warehouse:
        page = warehouse.page("overview")
    [block] = [each for each in page.data.values() if each.result.name == "growth/this_week"]
    first, second = block.result.frame.head(2).to_dicts()
    frame = pl.DataFrame([first | {"ready_count": None}, second | {"ready_count": None}])
    marks = pl.DataFrame({"ready_count": ["<5", "hidden"]})
    block = replace(block, result=replace(block.result, data=frame, marks=marks))
    few, some = list_tasks(replace(page, blocks=(block,)))
    assert few.text.startswith(f"{first['title']}: fewer than five people")
    assert some.text.startswith(f"{second['title']}: some people")


def test_a_mail_has_two_parts_and_its_images_inside(digest: Digest, tmp_path: Path) -> None:
    write_files(digest, tmp_path)
    path = tmp_path / "digest.eml"
    mail = read_mail(path)
    assert path.stat().st_size <= 100_000
    assert max(map(len, path.read_bytes().splitlines())) <= 998  # RFC 5322, 2.1.1
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().split() == (tmp_path / "digest.txt").read_text().split()
    wanted = set(re.findall(r'src="cid:([^"]+)"', html.get_content()))
    images = [part for part in mail.walk() if part.get_content_maintype() == "image"]
    assert {part["Content-ID"].strip("<>") for part in images} == wanted
    assert len(images) == 2
    assert all(part.get_content().startswith(b"\x89PNG") for part in images)
    assert "http" not in re.sub(r"<!doctype.*?>", "", html.get_content())


def test_equal_digests_are_equal_bytes(digest: Digest, tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        write_files(digest, folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600


def test_nobody_is_named_in_it(published: Path, digest: Digest, tmp_path: Path) -> None:
    with duckdb.connect(str(published), read_only=True) as db:
        rows = db.execute("select user_id, customer_key, email from marts.dim_contacts").fetchall()
    names = {name for row in rows for name in row if name}
    assert len(names) >= 60
    write_files(digest, tmp_path)
    mail = read_mail(tmp_path / "digest.eml")
    texts = [path.read_text() for path in tmp_path.iterdir() if path.suffix != ".eml"]
    texts += [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    words = set(re.findall(r"[\w@.:-]+", re.sub(r"base64,[^\"]+", "", " ".join(texts))))
    assert words & names == set()


def test_hostile_texts_are_texts_in_every_form(digest: Digest) -> None:
    hostile = "<script>alert(1)</script> & <https://evil.example|click>"
    bad = replace(digest, notices=(f"{hostile}\x1b[2J\u202e",))
    for text in (write_text(bad), write_html(bad, ["a", "b"]), json.dumps(write_slack(bad))):
        assert "\x1b" not in text
        assert "\u202e" not in text
    bad = replace(digest, notices=(hostile,), tasks=(Task(hostile, "run `x`"),))
    page = write_html(bad, ["cid:a", "cid:b"])
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    slack = json.dumps(write_slack(bad))
    assert "<script" not in slack
    assert "<https" not in slack
    assert hostile in " ".join(write_text(bad).split())


def test_chat_messages_keep_to_slacks_limits(digest: Digest) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks (read 2026-11): 50 blocks, 3000 a text."""
    long = replace(digest, notices=("word " * 2_000,) * 80)
    message = write_slack(long)
    assert len(message["blocks"]) == 50
    texts = [block["text"]["text"] for block in message["blocks"] if "text" in block]
    assert all(0 < len(text) <= 3_000 for text in texts)
    assert len(message["blocks"][0]["text"]["text"]) <= 150


def test_links_lead_to_the_site_where_there_is_one(digest: Digest) -> None:
    assert "More" not in write_html(digest, ["a", "b"])
    linked = replace(digest, site="https://reports.example.com/x")
    assert 'href="https://reports.example.com/x/why.html"' in write_html(linked, ["a", "b"])
    assert "https://reports.example.com/x/why.html" in write_text(linked)
    assert write_json(linked)["since_last_week"][0]["page"] == "why"


def test_a_week_without_anything_is_said(digest: Digest) -> None:
    empty = replace(digest, sentences=(), tasks=(), charts=())
    assert "Nobody is ready to be contacted." in write_text(empty)
    assert "Nobody is ready to be contacted." in write_html(empty, [])
    assert "Nobody is ready to be contacted." in json.dumps(write_slack(empty))


def test_the_command_prints_or_writes_and_spares_other_files(
    published: Path, tmp_path: Path
) -> None:
    warehouse = ("--warehouse", str(published))
    printed = CliRunner().invoke(app, ["digest", *warehouse])
    assert printed.exit_code == 0, printed.output
    folder = tmp_path / "new" / "digest"
    written = CliRunner().invoke(app, ["digest", "-o", str(folder), *warehouse])
    assert written.exit_code == 0, written.output
    assert (folder / "digest.txt").read_text() == printed.stdout
    (folder / "digest.html").write_bytes(published.read_bytes()[:4096])
    refused = CliRunner().invoke(app, ["digest", "-o", str(folder), *warehouse])
    assert isinstance(refused.exception, UsageError)
    assert "digest.html is there" in str(refused.exception)
    assert (folder / "digest.txt").read_text() == printed.stdout


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://me:se/cret@mail.example.com",
        "smtp://me:se#cret@mail.example.com",
        "smtp://me@mail.example.com:secret",
    ],
)
def test_a_wrong_mail_server_is_refused(
    url: str, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSELFIE_SMTP_URL", url)
    done = CliRunner().invoke(app, ["digest", "--send", "--warehouse", str(published)])
    assert isinstance(done.exception, UsageError)
    assert "smtps://user:password@host" in str(done.exception)
    assert "cret" not in str(done.exception)
