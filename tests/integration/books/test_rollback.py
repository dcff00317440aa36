"""Going back to an earlier publication, on a small source that changes from round to round."""

import shutil
import signal
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.books.rollback import roll_back
from sselfie_insights.errors import LockedError, UsageError
from sselfie_insights.warehouse.lock import warehouse_lock
from sselfie_insights.warehouse.publications import is_intact, is_whole, list_publications
from tests.conftest import temporary_database
from tests.integration.run import small
from tests.integration.run.conftest import ROWS, Nightly, make_small

BLOCK = 262_144
"""Bytes of a block of DuckDB's."""


@pytest.fixture(scope="session")
def kept(server: str, folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three publications, of the rounds 0, 1 and 2."""
    folder = tmp_path_factory.mktemp("kept")
    with temporary_database(server) as url, pytest.MonkeyPatch.context() as patch:
        small.fill(url, ROWS)
        make_small(patch, folders)
        patch.chdir(folder)
        nightly = Nightly(url, folder, folders)
        nightly.run()
        for _ in range(2):
            nightly.turn()
            nightly.run()
    return folder


@pytest.fixture
def third(nightly: Nightly, kept: Path) -> Nightly:
    """Three publications, of the rounds 0, 1 and 2; the last is what is published."""
    copies: dict[int, str] = {}

    def copy(source: str, target: str) -> None:
        """What is one file under two names stays one."""
        copied = copies.setdefault(Path(source).stat().st_ino, target)
        if copied == target:
            shutil.copy2(source, target)
        else:
            Path(target).hardlink_to(copied)

    shutil.copytree(kept, nightly.folder, copy_function=copy, dirs_exist_ok=True)
    for _ in range(2):
        nightly.turn()
    return nightly


def names(nightly: Nightly) -> list[str]:
    return [each.name for each in list_publications(nightly.warehouse)]


def test_without_a_name_it_is_the_publication_before(third: Nightly) -> None:
    before = names(third)
    report = roll_back(third.settings())
    assert report.publication == before[1]
    assert third.rounds() == {1}
    assert third.left_over() == set()


def test_a_name_leads_to_that_publication_and_the_others_stay(third: Nightly) -> None:
    before = names(third)
    roll_back(third.settings(), before[0])
    assert third.rounds() == {0}
    assert set(before) < set(names(third))


def test_a_publication_that_is_damaged_anywhere_is_passed_over(third: Nightly) -> None:
    """DuckDB opens a file whose rows it cannot read; 'is it there' would offer it."""
    _, middle, _ = list_publications(third.warehouse)
    whole = middle.path.read_bytes()
    unseen = 0
    for start in range(3 * 4096, len(whole), BLOCK):  # behind the three headers
        middle.path.write_bytes(whole[: start + 64] + b"\xff" * 64 + whole[start + 128 :])
        unseen += is_intact(middle.path) and not is_whole(middle.path)
        if unseen:
            break
    assert unseen, "a block is read by no one who only opens the file"
    noted: list[str] = []
    report = roll_back(third.settings(), on_note=noted.append)
    assert noted == [f"the publication {middle.name} is damaged, and was passed over"]
    assert report.publication == names(third)[0]
    assert third.rounds() == {0}


def test_the_site_goes_back_with_it(third: Nightly) -> None:
    roll_back(third.settings(), names(third)[0])
    expected = third.page()
    third.run(steps=("render",))
    assert third.page() == expected


def test_the_next_run_goes_on_from_the_source(third: Nightly) -> None:
    roll_back(third.settings(), names(third)[0])
    third.run()
    assert third.rounds() == {2}


def test_the_journal_says_that_it_happened(third: Nightly) -> None:
    first = names(third)[0]
    roll_back(third.settings(), first)
    entry = third.last()
    assert (entry["command"], entry["rolled_back_to"], entry["published"]) == (
        "rollback", first, True,
    )  # fmt: skip


def test_what_people_added_since_stays(third: Nightly) -> None:
    first = names(third)[0]
    with duckdb.connect(third.warehouse) as db:
        db.execute("create schema stripe_export")
        db.execute("create table stripe_export.files as select 'a.csv' as file_name")
    roll_back(third.settings(), first)
    with duckdb.connect(third.warehouse, read_only=True) as db:
        assert db.execute("from stripe_export.files").fetchall() == [("a.csv",)]


def test_a_published_file_that_is_gone_is_put_back(third: Nightly) -> None:
    third.warehouse.unlink()
    roll_back(third.settings(), names(third)[0])
    assert third.rounds() == {0}


def test_what_is_published_is_no_publication_to_go_back_to(third: Nightly) -> None:
    with pytest.raises(UsageError, match="is the one that is published"):
        roll_back(third.settings(), names(third)[-1])
    assert third.rounds() == {2}


def test_without_an_earlier_publication_nothing_happens(nightly: Nightly) -> None:
    nightly.run()
    with pytest.raises(UsageError, match="no earlier publication"):
        roll_back(nightly.settings())
    assert nightly.rounds() == {0}


def test_a_run_at_work_keeps_it_away(third: Nightly) -> None:
    rollback = None
    with warehouse_lock(third.warehouse):
        rollback = third.command("rollback")
        assert rollback.wait() == LockedError.exit_code
    rollback.communicate()
    assert third.rounds() == {2}


@pytest.mark.parametrize(
    ("place", "rounds"),
    [
        ("sselfie_insights.books.rollback.upgrade", {2}),
        ("sselfie_insights.books.rollback._carry_over", {2}),
        ("sselfie_insights.books.rollback.publish", {2}),
        ("sselfie_insights.books.rollback.retain", {1}),
        ("sselfie_insights.books.rollback.render_again", {1}),
    ],
)
def test_killed_at_any_step_the_published_file_is_whole(
    third: Nightly, place: str, rounds: set[int]
) -> None:
    rollback = third.command("rollback", SMALL_DEATH=place)
    assert rollback.wait() == -signal.SIGKILL
    rollback.communicate()
    assert third.rounds() == rounds
    roll_back(third.settings(), names(third)[0])
    assert third.rounds() == {0}
    assert third.left_over() == set()
