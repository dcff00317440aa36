import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sselfie_insights.run.retention import export_dir, is_whole_export, prune
from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.warehouse.publications import list_publications, retain
from tests.support.warehouses import write_warehouse

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        warehouse=tmp_path / "w.duckdb",
        output_dir=tmp_path / "out",
        keep_publications=2,
        keep_exports=2,
        keep_for="10d",
    )


def write_export(settings: Settings, at: datetime) -> Path:
    folder = export_dir(settings, at)
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"a\n1\n")
    manifest = {"sources": {}, "files": [{"path": "a.csv", "bytes": 4}]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_prunes_publications_and_exports_alike(settings: Settings) -> None:
    folders = []
    for days in (3, 2, 1, 0):
        at = NOW - timedelta(days=days)
        new = write_warehouse(settings.warehouse.with_name("new.duckdb"), [], at)
        retain(new.replace(settings.warehouse), at)
        folders.append(write_export(settings, at))
    pruned = prune(settings, NOW)
    assert pruned.publications == ("20261119T120000Z", "20261120T120000Z")
    assert pruned.exports == tuple(folders[:2])
    assert [folder.exists() for folder in folders] == [False, False, True, True]
    assert len(list_publications(settings.warehouse)) == 2


def test_old_exports_go_even_when_they_are_few(settings: Settings) -> None:
    old = write_export(settings, NOW - timedelta(days=11))
    new = write_export(settings, NOW - timedelta(days=9))
    assert prune(settings, NOW).exports == (old,)
    assert new.exists()


def test_the_last_whole_export_stays(settings: Settings) -> None:
    whole = write_export(settings, NOW - timedelta(days=20))
    cut = write_export(settings, NOW - timedelta(days=15))
    (cut / "a.csv").write_bytes(b"a")
    assert is_whole_export(whole) and not is_whole_export(cut)
    assert prune(settings, NOW).exports == (cut,)
    assert whole.exists()


def test_other_folders_are_left_alone(settings: Settings) -> None:
    mine = settings.output_dir / "exports" / "mine"
    mine.mkdir(parents=True)
    for hidden in (".20261109T120000Z.0123abcd", ".mine.0123abcd"):
        (mine.parent / hidden / "csv").mkdir(parents=True)
    for days in range(11, 15):
        write_export(settings, NOW - timedelta(days=days))
    prune(settings, NOW)
    # But for what an export that was killed left over.
    left = sorted(path.name for path in mine.parent.iterdir())
    assert left == [".mine.0123abcd", "20261111T120000Z", "mine"]


def test_without_an_age_only_the_count_matters(settings: Settings) -> None:
    folders = [write_export(settings, NOW - timedelta(days=days)) for days in (900, 800, 700)]
    lasting = settings.model_copy(update={"keep_for": None})
    assert prune(lasting, NOW).exports == (folders[0],)


def test_what_cannot_be_removed_is_noted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in (3, 2, 1):
        write_export(settings, NOW - timedelta(days=days))

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)
    notes: list[str] = []
    assert prune(settings, NOW, on_note=notes.append).exports == ()
    assert len(notes) == 1 and "20261119T120000Z cannot be removed: Permission denied" in notes[0]


def test_after_a_clock_that_jumped_back_nothing_goes(settings: Settings) -> None:
    for days in (3, 2, 1):
        at = NOW + timedelta(days=days)  # written while the clock was ahead
        new = write_warehouse(settings.warehouse.with_name("new.duckdb"), [], at)
        retain(new.replace(settings.warehouse), at)
        write_export(settings, at)
    noted: list[str] = []
    pruned = prune(settings, NOW, on_note=noted.append)
    assert (pruned.publications, pruned.exports) == ((), ())
    assert len(noted) == 2 and all("one of them is wrong" in note for note in noted)
    later = prune(settings, NOW, clock=NOW + timedelta(days=3))
    assert later.publications, "the source's clock may be behind this machine's"
