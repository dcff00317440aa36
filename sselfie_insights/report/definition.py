"""What a report file may say: a title and sections, each naming a query and its columns."""

from collections.abc import Iterable
from functools import partial
from math import inf
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.files import read_text
from sselfie_insights.query.header import as_list
from sselfie_insights.query.yaml_files import parse_yaml
from sselfie_insights.resources import find_files
from sselfie_insights.warehouse.gaps import Gap, OnGap, attempt

_WORDS = {"mrr", "arr", "arpa", "arppu", "grr", "nrr", "dau", "wau", "mau"}
_UNIT_SUFFIXES = ("_cents", "_count", "_credits", "_on", "_at")


def humanize(name: str) -> str:
    """Return a column's name as a heading: ``closing_mrr_cents`` becomes ``Closing MRR``."""
    for suffix in _UNIT_SUFFIXES:
        name = name.removesuffix(suffix)
    words = [word.upper() if word in _WORDS else word for word in name.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _with_labels(value: object) -> object:
    return {str(name): humanize(str(name)) for name in value} if isinstance(value, list) else value


# Columns with their headings; a list takes the headings from the names.
Labels = Annotated[dict[str, str], BeforeValidator(_with_labels)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Source(_Strict):
    """A query, the parameters it runs with, and the rows to keep."""

    query: str
    values: dict[str, str] = Field({}, alias="with")
    where: dict[str, str] = {}
    more: str | None = Field(None, description="The report that shows more of it.")


class Earlier(Source):
    """A number's value before the running period, on a day that can be compared with today."""

    column: str
    on: str = Field(description="The column with that day.")


class HeadlineItem(Source):
    """One number: the last row's ``column``, its change, its course.

    ``at`` is the row: the latest, or the last of a complete period. ``good`` says which way is
    better. ``each`` gives a number for every value of that column, such as the currency. ``low``
    and ``high`` are the columns of its 95 % interval, ``n`` that of what it rests on; a share of
    people, whose column says what it is ``of``, has them by itself. While its period runs,
    or is to come, the change is that since ``earlier``.
    """

    label: str
    column: str
    at: Literal["latest", "complete"] = "latest"
    good: Literal["up", "down", "neither"] = "neither"
    each: str | None = None
    low: str | None = None
    high: str | None = None
    n: str | None = None
    earlier: Earlier | None = None
    empty: str = "no data captured"


class HeadlineSection(_Strict):
    """The numbers that a reader sees first."""

    type: Literal["headline"]
    title: str | None = None
    items: tuple[HeadlineItem, ...] = Field(min_length=1)


class _DataSection(Source):
    """A section that shows a query; ``each`` repeats it for every value of these columns."""

    title: str
    text: str | None = None
    each: Annotated[tuple[str, ...], BeforeValidator(as_list)] = ()
    empty: str = "No data captured."


class CohortGridSection(_DataSection):
    """A cohort grid: a row a cohort, a column a period index."""

    type: Literal["cohort_grid"]
    value: str = "retention_rate"
    cohorts: int = Field(18, ge=1, description="The newest cohorts that the page shows.")
    periods: int = Field(18, ge=1, description="The first periods that the page shows.")


class LineSection(_DataSection):
    """Lines over time; the point of a running period is hollow.

    ``interval`` names the ends of the first line's 95 % interval, where it is no share of people.
    """

    type: Literal["line"]
    x: str
    y: Labels = Field(min_length=1)
    interval: tuple[str, str] | None = None
    last: int | None = Field(None, ge=1)


class BarSection(_DataSection):
    """Bars; ``by`` splits them by a column, and stacks them when they are over time.

    ``latest`` shows the last complete period alone; ``ranked`` puts the longest bar first.
    """

    type: Literal["bar"]
    latest: bool = False
    ranked: bool = False
    x: str
    y: Labels = Field(min_length=1)
    by: str | None = None
    last: int | None = Field(None, ge=1)


class WaterfallSection(_DataSection):
    """How a measure went from opening to closing in the last complete period."""

    type: Literal["waterfall"]
    opening: str
    gains: Labels
    losses: Labels
    closing: str


class TableSection(_DataSection):
    """A table; a collapsed one is a drill-down that the reader opens."""

    type: Literal["table"]
    columns: Labels = Field(min_length=1)
    last: int | None = Field(None, ge=1)
    first: int | None = Field(None, ge=1)
    newest_first: bool = False
    collapsed: bool = False


class Choice(_Strict):
    """A column by whose values a reader chooses, with their names."""

    label: str
    values: Labels


class CurvesSection(Source):
    """Retention curves of fixed cohorts by segment; a script lets readers choose others.

    ``choices`` are the columns of the query that tell its slices apart, in the query's order;
    ``chosen`` is the slice that a page shows by itself.
    """

    type: Literal["curves"]
    title: str
    text: str | None = None
    query: Literal["retention/fixed_cohorts"] = "retention/fixed_cohorts"
    choices: dict[str, Choice]
    chosen: dict[str, str]


class SentencesSection(Source):
    """What changed, in sentences, each with the page that shows more."""

    type: Literal["sentences"]
    title: str
    query: Literal["growth/since"] = "growth/since"


class NoteSection(_Strict):
    """Words."""

    type: Literal["note"]
    title: str | None = None
    text: str


DataSection = CohortGridSection | LineSection | BarSection | WaterfallSection | TableSection
Section = Annotated[
    HeadlineSection | DataSection | CurvesSection | SentencesSection | NoteSection,
    Field(discriminator="type"),
]


class _Report(_Strict):
    title: str
    description: str
    owner: Annotated[str, Field(description="Who answers for it, in dbt's exposures.")] = "Growth"
    position: Annotated[
        int | None,
        Field(description="Its place among the reports; those without one follow, by name."),
    ] = None
    sections: tuple[Section, ...]


class Report(_Report):
    """A report and where it stands.

    Attributes:
        name: The file's name without the suffix.
        path: The file.
    """

    name: str
    path: Path

    @property
    def sources(self) -> tuple[Source, ...]:
        """What its sections ask for, in their order."""
        sources: list[Source] = []
        for section in self.sections:
            match section:
                case NoteSection():
                    pass
                case HeadlineSection():
                    for item in section.items:
                        sources += [item] if item.earlier is None else [item, item.earlier]
                case _:
                    sources.append(section)
        return tuple(sources)

    @property
    def queries(self) -> tuple[str, ...]:
        """The names of the queries that its sections show, each once."""
        return tuple(dict.fromkeys(source.query for source in self.sources))


# The page of contents of a site, so no report's.
INDEX = "index"


def list_names() -> list[str]:
    """Return the names of every report, sorted, without reading the files."""
    return sorted(_find_files())


def load_reports(
    folders: Iterable[Path] | None = None, on_gap: OnGap | None = None
) -> dict[str, Report]:
    """Return every report by name, by position; of two with one name the earlier folder's counts.

    Args:
        folders: Where to look; by default ``reports/`` of the working directory, then the
            packaged ones.
        on_gap: Receives the files that are wrong; such a report only says why there is nothing.

    Raises:
        UsageError: Without ``on_gap``, a file is wrong; the message names the file and the key.
    """
    files = _find_files(folders)
    reports = []
    for name in sorted(files):
        read = attempt(f"report {name}", partial(_read_report, name, files[name]), on_gap)
        reports.append(_stand_in(name, files[name], read) if isinstance(read, Gap) else read)
    reports.sort(key=lambda report: inf if report.position is None else report.position)
    return {report.name: report for report in reports}


def list_shown() -> list[str]:
    """Return the names of the queries that reports show, each once, in the order of the site."""
    reports = load_reports(on_gap=lambda _: None).values()
    return list(dict.fromkeys(name for report in reports for name in report.queries))


def load_report(name: str, folders: Iterable[Path] | None = None) -> Report:
    """Return the report called ``name``, and read no other's file.

    Raises:
        UsageError: There is none, and the message offers the nearest name; or its file is wrong.
    """
    files = _find_files(folders)
    if name not in files:
        raise UsageError(
            f"unknown report {name!r}{nearest(name, files)}", remedy="see 'sselfie report list'"
        )
    return _read_report(name, files[name])


def _read_report(name: str, path: Path) -> Report:
    if name == INDEX:
        raise UsageError(f"{path}: the page of contents is called so", remedy="rename the file")
    return Report(name=name, path=path, **dict(parse_yaml(_Report, read_text(path), path)))


def _stand_in(name: str, path: Path, gap: Gap) -> Report:
    """Return what is shown in place of a report whose file is wrong."""
    # The page of contents has its name to itself.
    name = f"{name}-report" if name == INDEX else name
    note = NoteSection(type="note", text=f"Not available: {gap.reason}.")
    return Report(
        name=name,
        path=path,
        title=humanize(name),
        description="This report could not be made.",
        sections=(note,),
    )


def _find_files(folders: Iterable[Path] | None = None) -> dict[str, Path]:
    return find_files("reports", "*.yml", folders)
