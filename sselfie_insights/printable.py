"""Text of strangers, made harmless once: where it enters a drawing, a terminal or a spreadsheet.

Control characters move a cursor, set a title or clear a screen; marks of direction show a text in
another order than it has; a spreadsheet takes some texts for formulas.
"""

import re
import unicodedata

_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's kinds of characters that a terminal does not show as they are."""

_MARKED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Controls, marks of direction, separators of lines, halves of pairs, and tags nobody sees."""

_STARTS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
# OWASP, "CSV Injection": a text that begins so, and what another separator would make one of.
_FORMULA = re.compile(
    f"\\A(?=[\\t\\r\\n{_STARTS}]|[\0\ufeff\u200b]+[{_STARTS}])|(?<=[;|\\t\\r\\n])(?=[\"']*[{_STARTS}])"
)


def clean(text: str) -> str:
    """Return ``text`` in one line, without characters that could redraw a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if character in "\t\r\n" else character
        for character in text
        if character in "\t\r\n" or unicodedata.category(character) not in _UNPRINTABLE
    )


def clean_lines(text: str) -> str:
    """Return ``text`` in its lines, each as ``clean`` returns it."""
    return "\n".join(map(clean, text.split("\n")))


def mark(text: str) -> str:
    """Return ``text`` with U+FFFD for each character that no page may hold, or that turns texts."""
    return text if text.isprintable() else _MARKED.sub("\ufffd", text)


def neutralize(text: str) -> str:
    """Return ``text`` with an apostrophe wherever a spreadsheet could begin to read a formula.

    That is at its start, and behind what separates cells in another country's files.
    """
    return _FORMULA.sub("'", text)
