"""The embedded server: temporary data begin as a copy of kept ones, and nothing goes back."""

from pathlib import Path

import psycopg
import pytest

from sselfie_insights import embedded
from sselfie_insights.embedded import running_server


def test_nothing_of_one_server_reaches_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tmp_path / "cache" / "kept"
    monkeypatch.setattr(embedded, "_find_template", lambda: template)
    inodes = []
    for _ in range(2):
        with running_server(None) as url, psycopg.connect(url, autocommit=True) as connection:
            data = connection.execute("show data_directory").fetchone()
            assert data is not None
            roles = "select rolname from pg_roles where rolname !~ '^pg_'"
            assert connection.execute(roles).fetchall() == [("postgres",)]
            connection.execute("create role left_behind")
            connection.execute("alter system set work_mem = '1MB'")
        assert not Path(data[0]).exists()
        inodes.append((template / "global" / "pg_control").stat().st_ino)
        assert [path.name for path in template.parent.iterdir()] == ["kept"]
    assert inodes[0] == inodes[1], "made once"


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(embedded, "_find_template", lambda: tmp_path / "file" / "kept")
    with running_server(None) as url, psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
