"""The key of pseudonyms, and what it makes of an id."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.warehouse.paths import pseudonym_key_path
from sselfie_insights.warehouse.pseudonyms import find_key, read_key, write_pseudonym


def test_a_pseudonym_is_an_hmac() -> None:
    """RFC 4231, test cases 1 and 2 of HMAC-SHA-256, of which the first 96 bits are kept."""
    assert write_pseudonym(b"\x0b" * 20, "Hi There") == "b0344c61d8db38535ca8afce"
    assert write_pseudonym(b"Jefe", "what do ya want for nothing?") == "5bdcc146bf60754e6a042426"


def test_the_key_is_drawn_once_for_the_owner_alone(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    assert find_key(warehouse) is None
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(read_key, [warehouse] * 8))
    [key] = keys
    assert len(key) == 32
    path = pseudonym_key_path(warehouse)
    assert path == tmp_path / ".w.duckdb.pseudonyms"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(warehouse) == find_key(warehouse) == key
    assert read_key(tmp_path / "other.duckdb") != key


def test_publications_share_the_key_of_their_warehouse(tmp_path: Path) -> None:
    kept = tmp_path / ".w.duckdb.publications" / "20261122T030500Z.duckdb"
    kept.parent.mkdir()
    assert read_key(kept) == read_key(tmp_path / "w.duckdb")


@pytest.mark.parametrize("content", [b"\n", b"ab\n", b"g" * 64 + b"\n", b"0" * 65 + b"\n"])
def test_what_is_no_key_is_refused_and_left(tmp_path: Path, content: bytes) -> None:
    path = pseudonym_key_path(tmp_path / "w.duckdb")
    path.write_bytes(content)
    with pytest.raises(UsageError, match="does not hold the key of pseudonyms"):
        read_key(tmp_path / "w.duckdb")
    assert path.read_bytes() == content


def test_a_folder_in_its_place_is_one_line(tmp_path: Path) -> None:
    pseudonym_key_path(tmp_path / "w.duckdb").mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        read_key(tmp_path / "w.duckdb")
