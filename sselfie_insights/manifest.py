"""The manifest of a folder of files for others: what it holds, and how to see that it is whole."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ListedFile:
    """A file that a manifest lists.

    Attributes:
        path: Below the folder.
        rows: Rows of data in it; None where it is no data.
        bytes: Its size.
        sha256: Its checksum.
    """

    path: str
    rows: int | None
    bytes: int
    sha256: str


def checksum(content: bytes) -> str:
    """Return the SHA-256 of ``content``, in hex."""
    return hashlib.sha256(content).hexdigest()


def write_manifest(files: Sequence[ListedFile], **parts: object) -> bytes:
    """Return the manifest's text: ``parts`` of its kind, then the files."""
    content = {**parts, "files": [asdict(file) for file in files]}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def read_manifest(folder: Path, mark: str) -> list[dict[str, Any]]:
    """Return what the manifest in ``folder`` lists; nothing where there is none that can be read.

    Args:
        folder: Where an export or a site may be.
        mark: The part that only manifests of its kind have: ``sources`` or ``notices``.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files: list[dict[str, Any]] = manifest["files"] if mark in manifest else []
        return [file for file in files if isinstance(file["path"], str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []
