"""Whether a page is well formed: every element is closed where it must be, ids are distinct."""

import json
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})


class _Reader(HTMLParser):
    """Follows the tags of a page, and notes what is wrong."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.names: set[str] = set()
        self.wrong: list[str] = []
        self.policy = ""
        self.script: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        if tag not in _VOID:
            self.open.append(tag)
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"] or ""
        if tag == "script":
            self.script = dict(attrs).get("type") or "script"
            if set(dict(attrs)) - {"type"}:
                self.wrong.append("a <script> has attributes")
        given = [name for name, _ in attrs]
        if len(set(given)) < len(given):
            self.wrong.append(f"<{tag}> has an attribute twice")
        for name, value in attrs:
            if name.startswith("on"):
                self.wrong.append(f"<{tag}> has the handler {name}")
            if name == "id" and value in self.ids:
                self.wrong.append(f"two elements have the id {value}")
            if name == "id" and value is not None:
                self.ids.add(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.script == "application/json":
            json.loads(data)
            if "<" in data:
                self.wrong.append("data can end its <script>")
        elif self.script is not None:
            allowed = f"'sha256-{b64encode(sha256(data.encode()).digest()).decode()}'"
            if allowed not in self.policy:
                self.wrong.append("there is a <script> that the page's policy does not allow")
        self.script = None

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes another element, or none")


def find_faults(page: str) -> list[str]:
    """Return what is wrong with ``page``: its markup, scripts that it does not allow, controls."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    forbidden = {"img", "iframe", "object", "embed"} & reader.names
    controls = {f"U+{ord(char):04X}" for char in page if char < " " and char not in "\t\n\r\f"}
    return [
        *reader.wrong,
        *(f"<{tag}> is never closed" for tag in reader.open),
        *(f"there is a <{tag}>" for tag in sorted(forbidden)),
        *(f"there is the control character {name}" for name in sorted(controls)),
    ]
