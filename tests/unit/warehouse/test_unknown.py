"""What is not known, kept as facts and said in one place."""

import duckdb

from sselfie_insights.warehouse.unknown import (
    WHOLE,
    Lack,
    list_whole,
    merge_lacks,
    read_unknown,
    write_lacks,
    write_unknown,
)

MAY = "2026-05-02 03:00:00 UTC"


def test_each_kind_of_lack_has_its_sentence() -> None:
    assert write_lacks([Lack("users", "missing"), Lack("users.role", "missing")]) == (
        "not known: the source lacks users, users.role"
    )
    assert write_lacks([Lack("users", "gone", MAY)]) == (
        "not known since 2026-05-02 03:00:00 UTC: the source no longer has users"
    )
    assert write_lacks([Lack("users", "left out")]) == "not known: your settings leave out users"
    assert write_lacks([Lack("users", "not mirrored")]) == (
        "not known: the mirror cannot read users"
    )


def test_a_sentence_names_five_things_and_says_how_many_more_there_are() -> None:
    lacks = [Lack(name, "missing") for name in "abcdefg"]
    assert write_lacks(lacks) == "not known: the source lacks a, b, c, d, e and 2 more"


def test_causes_are_said_once_with_the_number_of_queries() -> None:
    """A thing that several queries lack, or one query twice, is named once."""
    a, b, c = (Lack(name, "missing") for name in "abc")
    gone = Lack("d", "gone", MAY)
    assert merge_lacks([[a, b], [b, c, b], [gone, a]]) == [
        ([a, b, c], 3),
        ([gone], 1),
    ]


def test_what_is_written_is_read() -> None:
    """Names and instants are no part of a sentence: no comma in one splits it."""
    odd = Lack("a; b, c and 2 more", "missing")
    unknown = {"x/whole": {WHOLE: [odd]}, "x/part": {"kind": [Lack("d", "gone", MAY), odd]}}
    with duckdb.connect() as connection:
        assert read_unknown(connection) == {}
        write_unknown(connection, unknown)
        assert read_unknown(connection) == unknown
    assert list_whole(unknown) == {"x/whole": [odd]}
