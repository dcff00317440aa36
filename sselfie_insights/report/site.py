"""A folder of pages: every report, the overview first, and the tables behind them as files."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import duckdb

from sselfie_insights.errors import SselfieError, UsageError
from sselfie_insights.files import PRIVATE_MODE, make_folder, storage_error, write_file
from sselfie_insights.manifest import (
    MANIFEST,
    ListedFile,
    checksum,
    read_manifest,
    write_manifest,
)
from sselfie_insights.query.library import load_library
from sselfie_insights.query.lineage import load_models
from sselfie_insights.query.write import to_bytes
from sselfie_insights.report.blocks import DataBlock, HeadlineBlock, Page
from sselfie_insights.report.decisions import write_decisions
from sselfie_insights.report.definition import INDEX, list_names, load_report, load_reports
from sselfie_insights.report.draw.html import SiteContents, render_html
from sselfie_insights.report.headline import Tile
from sselfie_insights.report.notices import write_reader_notices
from sselfie_insights.report.page import build_page
from sselfie_insights.report.results import Results
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse.gaps import Gap, OnGap, attempt
from sselfie_insights.warehouse.publications import Note
from sselfie_insights.warehouse.publish import WRITER
from sselfie_insights.warehouse.reading import OpenWarehouse, Stamp
from sselfie_insights.warehouse.storage import closing

OnStep = Callable[[str], None]
OnProgress = Callable[[int, int, str], None]

_INDEX_FILE = f"{INDEX}.html"
# The report that opens first, with the list of the others at its foot.
_FIRST = "overview"


@dataclass(frozen=True)
class Site:
    """What was written.

    Attributes:
        index: The page to open.
        pages: The report pages.
        files: Every file.
        stamp: What the numbers speak for.
        gaps: What could not be made, and is marked in its place.
    """

    index: Path
    pages: tuple[Path, ...]
    files: tuple[ListedFile, ...]
    stamp: Stamp
    gaps: tuple[Gap, ...]


def site_dir(settings: Settings) -> Path:
    """Return the folder of the site that runs render."""
    return settings.output_dir / "site"


def render_again(settings: Settings, on_note: Note | None = None) -> Path | None:
    """Render the site over what is published now, where there is one; return its index.

    The warehouse is published by then, so a site that cannot be written is a note.
    """
    folder = site_dir(settings)
    if not folder.is_dir():
        return None
    try:
        return render_site(settings, folder).index
    except SselfieError as error:
        if on_note is not None:
            on_note(f"the pages in {folder} are as they were: {error}")
        return None


def build_pages(
    settings: Settings, on_gap: OnGap | None = None, on_step: OnStep | None = None
) -> Iterator[Page]:
    """Evaluate every report over the warehouse of ``settings``, one after the other.

    Args:
        settings: The settings in force.
        on_gap: Receives what fails: a query, a report, a section; the rest is evaluated.
        on_step: Called with a report's name before its queries run, and before it is evaluated.

    Raises:
        UsageError: There is no warehouse, its marts were never built, or, without ``on_gap``, a
            report is wrong.
    """
    library = load_library(on_gap=on_gap)
    with OpenWarehouse(settings.warehouse) as warehouse:
        notices, models = write_reader_notices(settings, warehouse), load_models(settings.warehouse)
        results, reports = Results(warehouse, library), load_reports(on_gap=on_gap).values()
        for report in reports:
            _announce(report.name, on_step)
            results.add(report, {})
        for report in reports:
            _announce(report.name, on_step)
            yield build_page(
                warehouse,
                report,
                library,
                warnings=notices,
                models=models,
                results=results,
                on_gap=on_gap,
            )


def decide_site(private: Path, published: Path) -> None:
    """Keep in a private copy what the site will show of its numbers of people.

    What public queries show beside it, as in an export, is decided after that, and kept, too.

    Args:
        private: The private copy, which nobody else has open, with everything that pages read.
        published: The file that it will become.

    Raises:
        UsageError: The marts were never built.
    """
    with OpenWarehouse(private) as warehouse:
        results = Results(warehouse, load_library(), published=published)
        for report in load_reports(on_gap=lambda _: None).values():
            results.add(report, {})
        results.decide()
        results.add_public()
        decided = results.decide()
    with closing(duckdb.connect(str(private), config=WRITER)) as connection:
        write_decisions(connection, decided)


def _announce(name: str, on_step: OnStep | None) -> None:
    if on_step is not None:
        on_step(name)


def render_site(settings: Settings, out_dir: Path, on_progress: OnProgress | None = None) -> Site:
    """Write a page a report, and each table as CSV and JSON, into ``out_dir``.

    Equal warehouses give equal bytes. ``manifest.json`` lists the files with row counts and
    checksums; what an earlier one lists is replaced or removed, anything else stays. What cannot
    be made is marked in its place, and listed.

    Args:
        settings: The settings in force.
        out_dir: Where to.
        on_progress: Called with how many steps are done, of how many, and the report at hand.

    Raises:
        UsageError: There is no warehouse, its marts were never built, or ``out_dir`` cannot be
            written, or holds somebody's file by the name of one of the site's.
    """
    from sselfie_insights.report.draw.drawing import drawing_ahead

    gaps: list[Gap] = []
    done, total = count(), 3 * len(list_names())

    def advance(what: str) -> None:
        if on_progress is not None:
            on_progress(next(done), total, what)

    with drawing_ahead() as draw:
        pages = []
        for page in build_pages(settings, gaps.append, advance):
            pages.append(page)
            for block in page.data.values():
                if block.chart is not None:
                    # What cannot be drawn is a gap once it is asked for.
                    attempt("a chart", partial(draw, block.chart), lambda _: None)
        return _write_site(pages, out_dir, gaps, int(settings.site_mode, 8), advance)


def _write_site(
    pages: list[Page], out_dir: Path, gaps: list[Gap], mode: int, on_step: OnStep
) -> Site:
    contents: dict[str, bytes] = {}
    files: list[ListedFile] = []

    def add(path: str, content: bytes, rows: int | None = None) -> None:
        contents[path] = content
        files.append(ListedFile(path, rows, len(content), checksum(content)))

    for page in pages:
        for block in page.data.values():
            _add_block(page, block, add, gaps.append)
    tables = tuple(file for file in files if file.rows is not None)
    first = next((page for page in pages if page.report.name == _FIRST), pages[0])
    names = {page.report.name: f"{page.report.name}.html" for page in pages}
    names[first.report.name] = _INDEX_FILE
    for page in pages:
        on_step(page.report.name)
        contents_of = SiteContents(pages, names, tables if page is first else ())
        content = render_html(page, site=contents_of, on_gap=gaps.append)
        add(names[page.report.name], content.encode())
    stamp, notices = pages[0].stamp, pages[0].warnings
    listed = [{"what": gap.what, "reason": gap.reason} for gap in gaps]
    add(MANIFEST, write_manifest(files, stamp=stamp.as_text(), notices=notices, gaps=listed))
    _write_files(contents, out_dir, mode)
    return Site(
        index=out_dir / _INDEX_FILE,
        pages=tuple(out_dir / names[page.report.name] for page in pages),
        files=tuple(files),
        stamp=stamp,
        gaps=tuple(gaps),
    )


def _write_files(contents: dict[str, bytes], folder: Path, mode: int) -> None:
    """Write the files of a site over those of an earlier one, and over nothing else."""
    earlier = {file["path"] for file in read_manifest(folder, "notices")}
    earlier |= {MANIFEST} if earlier else set()
    for path in contents:
        if path not in earlier and os.path.lexists(folder / path):
            raise UsageError(
                f"{folder / path} is no part of an earlier site, which alone is replaced",
                remedy="move it away, or choose another folder",
            )
    for path in earlier - contents.keys():
        if not Path(path).is_absolute() and ".." not in Path(path).parts:
            (folder / path).unlink(missing_ok=True)
    # The manifest first, and to last: what a killed process leaves is known by it for a site's.
    for path in sorted(contents, key=MANIFEST.__ne__):
        _make_folder((folder / path).parent, mode)
        write_file(folder / path, contents[path], is_durable=path == MANIFEST, mode=mode)


def read_headlines(settings: Settings) -> list[Tile]:
    """Return the headline numbers of the overview.

    Raises:
        UsageError: There is no warehouse.
    """
    with OpenWarehouse(settings.warehouse) as warehouse:
        page = build_page(warehouse, load_report(_FIRST), load_library())
    return [
        tile for block in page.blocks if isinstance(block, HeadlineBlock) for tile in block.tiles
    ]


def _add_block(
    page: Page, block: DataBlock, add: Callable[[str, bytes, int | None], None], on_gap: OnGap
) -> None:
    from sselfie_insights.report.draw.picture import draw_picture

    if block.empty:
        return
    stem = f"{page.report.name}/{block.name}"
    rows = block.result.frame.height
    add(f"{stem}.csv", to_bytes(block.result, "csv"), rows)
    add(f"{stem}.json", to_bytes(block.result, "json"), rows)
    if block.chart is not None:
        picture = attempt(
            f"the picture of {stem}", partial(draw_picture, block, page.stamp), on_gap
        )
        if not isinstance(picture, Gap):
            add(f"{stem}.svg", picture.encode(), None)


def _make_folder(folder: Path, mode: int) -> None:
    """Create a folder of the site's, which those who may read its files may enter."""
    try:
        make_folder(folder)
        if mode != PRIVATE_MODE:
            folder.chmod(mode | 0o100 | (mode & 0o444) >> 2)
    except OSError as error:
        raise storage_error(
            f"{folder} cannot be created", error, remedy="name another folder with -o"
        ) from None
