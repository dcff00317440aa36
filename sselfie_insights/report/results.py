"""What the queries of pages gave, without what would reveal small groups, decided together."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sselfie_insights.query.header import Repeats
from sselfie_insights.query.library import Query, find_query, is_public
from sselfie_insights.query.parameters import check_values, choose_values, write_values
from sselfie_insights.query.pseudonyms import Pseudonyms
from sselfie_insights.query.result import Result
from sselfie_insights.query.run import run_query
from sselfie_insights.query.template import is_packaged
from sselfie_insights.report.decisions import digest, read_decisions
from sselfie_insights.report.definition import Report, load_reports
from sselfie_insights.report.hiding import Decided, hide_rows
from sselfie_insights.report.privacy import decide, list_families, suppress_small_groups
from sselfie_insights.report.signed import SignedFigures
from sselfie_insights.warehouse.closed import write_row_key
from sselfie_insights.warehouse.gaps import Gap, attempt
from sselfie_insights.warehouse.reading import OpenWarehouse

_Key = tuple[str, str]
"""A query's name, and the values it ran with, as ``write_values`` writes them."""


class Results:
    """Runs each query once for the same values, and suppresses all of them together.

    What the publication decided of a result stays: others have seen it.
    """

    def __init__(
        self,
        warehouse: OpenWarehouse,
        library: Mapping[str, Query],
        made: Mapping[str, Result] | None = None,
        *,
        published: Path | None = None,
    ) -> None:
        """Begin with nothing, or with results ``made`` by other means, by the query's name.

        ``published`` is the file that a private copy will become.
        """
        self.warehouse = warehouse
        self.library = library
        self._pseudonyms = Pseudonyms(warehouse, published)
        self._signed = SignedFigures(warehouse.connection)
        self._kept = read_decisions(warehouse.connection)
        self._decided: dict[_Key, Decided] = {}
        self._full: dict[_Key, Result] = {
            (name, write_values(each.values)): each for name, each in (made or {}).items()
        }
        self._suppressed: dict[_Key, Result] = {}

    def add(self, report: Report, given: Mapping[str, str]) -> None:
        """Run what ``report`` asks for; what fails is left to the section that asks for it."""
        for source in report.sources:
            self._try(source.query, {**given}, source.values)

    def add_public(self) -> None:
        """Run every public query of the library with its defaults, and what the site shows."""
        public = [name for name, query in self.library.items() if is_public(query)]
        for name in public:
            self._try(name, {}, {})
        self.add_known(public)

    def add_known(self, names: Iterable[str]) -> None:
        """Run what the site's reports ask for of the people of whom the queries ``names`` speak.

        Where all that was run so far is decided, there is nothing to know.
        """
        if self._decided.keys() == self._full.keys():
            return
        reports = load_reports(on_gap=lambda _: None).values()
        sources = [source for report in reports for source in report.sources]
        run = (name for name, _ in self._full)
        families = {family for name in (*names, *run) for family in self._families(name)}
        asked = {source.query: self._families(source.query) for source in sources}
        known = len(families) - 1
        while known < len(families):
            known = len(families)
            families = families.union(*(near for near in asked.values() if near & families))
        for source in sources:
            if asked[source.query] & families:
                self._try(source.query, {}, source.values)

    def find(self, name: str, given: Mapping[str, str], values: Mapping[str, str]) -> Result:
        """Return what the query ``name`` gave; ``given`` values yield to the section's ``values``.

        Raises:
            UsageError: There is no such query, a value is wrong, or the query fails.
        """
        key = self._run(name, given, values)
        if key not in self._suppressed:
            self._suppressed = self._suppress()
        return self._suppressed[key]

    def answer(self, name: str, given: Mapping[str, str]) -> Result:
        """Return what a query gave, as if the pages of a site were known.

        Raises:
            UsageError: As ``find``.
        """
        key = self._run(name, given, {})
        self.add_known([name])
        return self._suppress()[key]

    def decide(self) -> list[tuple[Result, Decided]]:
        """Return each result of what was added, and what is to become of its numbers of people.

        What is added later moves nothing of it.
        """
        self._decided = decide(self._full, self._decided)
        return [(self._full[key], marks) for key, marks in self._decided.items()]

    def _run(self, name: str, given: Mapping[str, str], values: Mapping[str, str]) -> _Key:
        query = find_query(name, self.library)
        wanted = choose_values(query, given) | dict(values)
        key = (query.name, write_values(check_values(query, wanted)))
        if key not in self._full:
            full = run_query(self.warehouse, query, wanted)
            if not is_packaged(query):
                full = self._pseudonyms.hide(full)
            self._full[key] = full = self._signed.put_into(full, query)
            if self._kept and (kept := self._kept.get(digest(full))) is not None:
                self._decided[key] = json.loads(kept)
            for repeated, text in dict.fromkeys(_list_repeated(full)):
                self._try(repeated, {}, self._read_values(repeated, text))
        return key

    def _read_values(self, name: str, text: str) -> dict[str, str]:
        """Return those of the values that ``write_values`` wrote which are not the default."""
        query = find_query(name, self.library)
        return {
            each: str(value)
            for each, value in json.loads(text).items()
            if each in query.parameters and value != query.parameters[each].default
        }

    def _suppress(self) -> dict[_Key, Result]:
        shown = suppress_small_groups(self._full, self._decided)
        for key, result in shown.items():
            if result.repeats is not None:
                shown[key] = self._hide_repeated(result, result.repeats, shown)
        return shown

    def _hide_repeated(
        self, result: Result, repeats: Repeats, shown: Mapping[_Key, Result]
    ) -> Result:
        """Return ``result`` without rows that repeat what is hidden where it stands."""
        places: dict[_Key, dict[str, int]] = {}

        def is_hidden(row: Mapping[str, Any]) -> bool:
            if row[repeats.query] is None:
                return False
            key = (row[repeats.query], row[repeats.parameters])
            if key not in shown:  # nobody knows what is to become of it
                return True
            full, left = self._full[key], shown[key]
            if key not in places:
                rows = enumerate(full.frame.iter_rows(named=True))
                places[key] = {write_row_key(full.key, each): place for place, each in rows}
            place = places[key].get(row[repeats.row])
            if place is None or (left.suppressed and left.suppressed[place]):
                return True
            names = [row[name] for name in repeats.columns if row[name] is not None]
            return any(
                full.frame[name][place] is not None and left.frame[name][place] is None
                for name in names
            )

        return hide_rows(result, list(map(is_hidden, result.frame.iter_rows(named=True))))

    def _try(self, name: str, given: Mapping[str, str], values: Mapping[str, str]) -> None:
        attempt(name, partial(self._run, name, given, values), lambda _: None)

    def _families(self, name: str) -> frozenset[str]:
        query = attempt(name, partial(find_query, name, self.library), lambda _: None)
        return frozenset() if isinstance(query, Gap) else list_families(query) | {query.name}


def _list_repeated(result: Result) -> Iterator[tuple[str, str]]:
    """Yield the queries, and their values, of which ``result`` repeats numbers."""
    if result.repeats is not None:
        for row in result.frame.iter_rows(named=True):
            if row[result.repeats.query] is not None:
                yield row[result.repeats.query], row[result.repeats.parameters]
