"""A folder of pages: an index, every report, and the tables behind them as files."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sselfie_insights.errors import UsageError
from sselfie_insights.files import write_file
from sselfie_insights.query.export import MANIFEST
from sselfie_insights.query.library import load_library
from sselfie_insights.query.lineage import load_models
from sselfie_insights.query.warehouse import Stamp, open_warehouse
from sselfie_insights.query.write import to_bytes
from sselfie_insights.report.blocks import DataBlock, HeadlineBlock
from sselfie_insights.report.definition import INDEX, load_report, load_reports
from sselfie_insights.report.headline import Tile
from sselfie_insights.report.html import render_html, render_index
from sselfie_insights.report.notices import read_notices
from sselfie_insights.report.page import Page, Results, build_page
from sselfie_insights.settings import Settings

_INDEX_FILE = f"{INDEX}.html"


@dataclass(frozen=True)
class SiteFile:
    """A file of the site: its path below the folder, rows of data (None for a page), checksum."""

    path: str
    rows: int | None
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Site:
    """What was written.

    Attributes:
        index: The page to open.
        pages: The report pages.
        files: Every file, in the order of writing.
        stamp: What the numbers speak for.
        notices: What stands above every page for the reader to know, in words.
    """

    index: Path
    pages: tuple[Path, ...]
    files: tuple[SiteFile, ...]
    stamp: Stamp
    notices: tuple[str, ...]


def build_pages(settings: Settings) -> Iterator[Page]:
    """Evaluate every report over the warehouse of ``settings``, one after the other.

    Raises:
        UsageError: There is no warehouse, its marts were never built, or a report is wrong.
    """
    library = load_library()
    with open_warehouse(settings.warehouse) as connection:
        notices, models = read_notices(settings, connection), load_models(settings.warehouse)
        results: Results = {}
        for report in load_reports().values():
            yield build_page(
                connection, report, library, warnings=notices, models=models, results=results
            )


def render_site(settings: Settings, out_dir: Path) -> Site:
    """Write the index, a page a report, and each table as CSV and JSON, into ``out_dir``.

    Equal warehouses give equal bytes. ``manifest.json`` lists the files with row counts and
    checksums; what an earlier one lists and this site does not have is removed.

    Raises:
        UsageError: There is no warehouse, a report is wrong, or ``out_dir`` cannot be written.
    """
    from sselfie_insights.report.drawing import drawing_ahead

    with drawing_ahead() as draw:
        pages = []
        for page in build_pages(settings):
            pages.append(page)
            for block in page.data.values():
                if block.chart is not None:
                    draw(block.chart)
        return _write_site(pages, out_dir)


def _write_site(pages: list[Page], out_dir: Path) -> Site:
    earlier = _read_manifest(out_dir)
    files: list[SiteFile] = []

    def write(path: str, content: bytes, rows: int | None = None) -> None:
        _make_folder((out_dir / path).parent)
        write_file(out_dir / path, content, is_durable=False)
        files.append(SiteFile(path, rows, len(content), hashlib.sha256(content).hexdigest()))

    for page in pages:
        for block in page.data.values():
            _write_block(page, block, write)
    names = [("Reports", _INDEX_FILE), *((p.report.title, f"{p.report.name}.html") for p in pages)]
    for page in pages:
        file = f"{page.report.name}.html"
        links = [(title, name, name == file) for title, name in names]
        write(file, render_html(page, links=links).encode())
    links = [(title, name, name == _INDEX_FILE) for title, name in names]
    tables = [file for file in files if file.rows is not None]
    write(_INDEX_FILE, render_index(pages, links, files=tables).encode())
    stamp, notices = pages[0].stamp, pages[0].warnings
    manifest = {
        "stamp": stamp.as_text(),
        "notices": notices,
        "files": [asdict(file) for file in files],
    }
    write(MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    for path in earlier - {file.path for file in files}:
        (out_dir / path).unlink(missing_ok=True)
    return Site(
        index=out_dir / _INDEX_FILE,
        pages=tuple(out_dir / f"{page.report.name}.html" for page in pages),
        files=tuple(files),
        stamp=stamp,
        notices=notices,
    )


def read_headlines(settings: Settings) -> list[Tile]:
    """Return the headline numbers of the overview.

    Raises:
        UsageError: There is no warehouse.
    """
    library = load_library()
    with open_warehouse(settings.warehouse) as connection:
        page = build_page(connection, load_report("overview"), library)
    return [
        tile for block in page.blocks if isinstance(block, HeadlineBlock) for tile in block.tiles
    ]


def _write_block(page: Page, block: DataBlock, write: Callable[[str, bytes, int], None]) -> None:
    if block.empty:
        return
    stem = f"{page.report.name}/{block.name}"
    rows = block.result.frame.height
    write(f"{stem}.csv", to_bytes(block.result, "csv"), rows)
    write(f"{stem}.json", to_bytes(block.result, "json"), rows)


def _read_manifest(folder: Path) -> set[str]:
    """The files of the site that is in ``folder`` already; none where it holds no site."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        paths = {Path(file["path"]) for file in manifest["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    if "notices" not in manifest:  # that of something else, such as an export
        return set()
    return {path.as_posix() for path in paths if not path.is_absolute() and ".." not in path.parts}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made: {error.strerror}", remedy="name another folder with -o"
        ) from None
