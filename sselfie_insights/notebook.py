"""The published warehouse as one object: for notebooks and scripts, and for the commands.

::

    from sselfie_insights import Warehouse

    with Warehouse() as warehouse:
        print(warehouse.stamp.as_of)
        churn = warehouse.query("churn/churn_by_month", since="2026-01-01").frame
        users = warehouse.sql("select count(*) as n from marts.dim_users").frame
        page = warehouse.page("retention", grain="week")
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sselfie_insights.query.library import load_library, load_query
from sselfie_insights.query.lineage import load_models
from sselfie_insights.query.result import Result
from sselfie_insights.query.run import run_own, run_query
from sselfie_insights.settings import load_settings
from sselfie_insights.warehouse.gaps import Gap
from sselfie_insights.warehouse.publications import Note, use_publication
from sselfie_insights.warehouse.reading import OpenWarehouse

if TYPE_CHECKING:
    from sselfie_insights.report import Page


class Warehouse(OpenWarehouse):
    """The published warehouse, or a kept publication, open for reading only.

    It is a context manager, which closes it; ``close`` does, too.

    Attributes:
        path: The file.
        connection: DuckDB's connection to it.
        stamp: What its numbers speak for.
        settings: The settings in force; their warehouse is the file that was opened.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        publication: str | None = None,
        on_note: Note | None = None,
    ) -> None:
        """Open it.

        Args:
            path: The file; by default that of the settings.
            publication: A kept publication instead: a date, for the last one of that day; a name;
                or ``latest``.
            on_note: Called with a sentence about damaged publications that were passed over, and
                about what of a page could not be made.

        Raises:
            UsageError: There is no such warehouse or publication, or a newer version of this
                package wrote it.
            StorageError: It cannot be read.
        """
        settings = load_settings(warehouse=None if path is None else Path(path))
        self.settings = use_publication(settings, publication, on_note)
        super().__init__(self.settings.warehouse)
        self._on_note = on_note

    def query(
        self,
        name: str,
        /,
        *,
        with_personal_data: bool = False,
        as_rows: bool = False,
        **parameters: object,
    ) -> Result:
        """Run a query of the library, and return its table: ``.frame``, ``.rows``, ``.columns``.

        Args:
            name: Its name; the last part suffices where it can mean no other query.
            with_personal_data: Whether to keep the columns that name people.
            as_rows: Whether to fetch tuples, which need no Polars, and not a frame.
            **parameters: Those of the query; None stands for the default. One that is a word of
                Python's own is given as in ``**{"return": "image"}``.

        Raises:
            UsageError: There is no such query or parameter, a value is wrong, or a mart is missing.
        """
        return run_query(
            self,
            load_query(name),
            _as_text(parameters),
            with_personal_data=with_personal_data,
            as_rows=as_rows,
        )

    def sql(self, text: str, *, with_personal_data: bool = False, as_rows: bool = False) -> Result:
        """Run one read-only SELECT of your own, and return its table.

        Args:
            text: The SELECT; ``show all tables`` lists what there is.
            with_personal_data: Whether personal columns hold what they do; otherwise they are NULL.
            as_rows: Whether to fetch tuples, which need no Polars, and not a frame.

        Raises:
            UsageError: It is not one SELECT, or it fails.
        """
        return run_own(self, text, with_personal_data=with_personal_data, as_rows=as_rows)

    def page(self, report: str, /, **parameters: object) -> "Page":
        """Evaluate a report: ``.blocks`` are what it shows, ``.data`` its tables by name.

        A section that fails is a gap, named in ``.gaps`` and noted.

        Args:
            report: Its name.
            **parameters: Those of its queries; None stands for the default.

        Raises:
            UsageError: There is no such report or parameter, or a value is wrong.
        """
        from sselfie_insights.report import build_page
        from sselfie_insights.report.definition import load_report
        from sselfie_insights.report.notices import write_reader_notices

        return build_page(
            self,
            load_report(report),
            load_library(),
            _as_text(parameters),
            write_reader_notices(self.settings, self),
            load_models(self.path),
            on_gap=self.note_gap,
        )

    def note_gap(self, gap: Gap) -> None:
        """Say what could not be made, where anybody listens; what is not known the page says."""
        if self._on_note is not None and not gap.is_unknown:
            self._on_note(str(gap))


def _as_text(parameters: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in parameters.items() if value is not None}
