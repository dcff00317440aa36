"""Stripe's exports as the shared cases hold them, and damaged in a thousand ways."""

import base64
import gzip
import io
import random
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from sselfie_insights.errors import UsageError
from sselfie_insights.stripe.reading import Export, parse_export

CASES = yaml.load(
    (Path(__file__).parents[2] / "fixtures" / "stripe-exports.yml").read_text(), yaml.CSafeLoader
)

ITEMIZED = """\
balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,customer_name,source_id
txn_1,2026-02-05 10:00:02,usd,1097.00,33.11,1063.89,charge,"Brandt, Mila",ch_1
txn_2,2026-02-20 12:00:00,usd,-20.05,0.00,-20.05,refund,"Mila
Brandt",re_1
txn_3,2026-02-21 08:30:00,jpy,5000,150,4850,charge,,ch_2
"""
FIGURES = {
    "txn_1": ("usd", 109700, 3311, 106389),
    "txn_2": ("usd", -2005, 0, -2005),
    "txn_3": ("jpy", 5000, 150, 4850),
}
"""Of ITEMIZED, in minor units, by hand."""


def content_of(case: dict[str, Any], file: dict[str, Any]) -> bytes:
    if "base64" in file:
        return base64.b64decode(file["base64"])
    return str(file["text"]).replace("{case}", case["id"]).encode()


def read_figures(export: Export) -> dict[str, tuple[Any, ...]]:
    return {
        row["id"]: tuple(row.get(name) for name in ("currency", "gross", "fee", "net"))
        for row in export.rows
    }


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["id"])
def test_every_case_is_read_or_refused_in_its_words(case: dict[str, Any]) -> None:
    messages, stored = [], ""
    for file in case["files"]:
        try:
            stored += str(parse_export(file["name"], content_of(case, file)).rows)
        except UsageError as error:
            messages.append(str(error))
    refused = case["expect"].get("refused", [])
    assert len(messages) == (1 if refused else 0)
    assert [word for word in refused if word not in messages[0]] == []
    assert [word for word in case["expect"].get("absent", []) if word in stored] == []


def test_a_row_has_our_columns_in_our_types_and_nothing_personal() -> None:
    export = parse_export("a.csv", ITEMIZED.encode())
    assert export.format.kind == "itemized"
    assert export.rows[1] == {
        "line": 3,
        "id": "txn_2",
        "created_at": datetime(2026, 2, 20, 12, tzinfo=UTC),
        "currency": "usd",
        "gross": -2005,
        "fee": 0,
        "net": -2005,
        "category": "refund",
        "source_id": "re_1",
    }
    assert read_figures(export) == FIGURES


def pack_zip(text: str, *names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, text)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + ITEMIZED.encode(),
        ITEMIZED.replace("\n", "\r\n").encode(),
        ITEMIZED.rstrip().encode("utf-16"),
        gzip.compress(ITEMIZED.encode()),
        pack_zip(ITEMIZED, "a.csv", "__MACOSX/._a.csv"),
        ITEMIZED.replace("balance_transaction_id", "Balance_Transaction_ID").encode(),
        (ITEMIZED + "\n\n,,,,,,,,\n").encode(),
    ],
    ids=["bom", "crlf", "utf-16", "gzip", "zip", "case", "blank rows"],
)
def test_the_form_of_the_file_changes_no_figure(content: bytes) -> None:
    assert read_figures(parse_export("a", content)) == FIGURES


HEADER = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id\n"
ROW = "txn_1,2026-02-05 10:00:02,usd,97.00,3.11,93.89,charge,ch_1\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["a.csv", "empty"]),
        ("<!doctype html><html>sign in</html>", ["HTML page"]),
        (HEADER + ROW.replace("2026-02-05 10:00:02", "5.2.26 10:00"), ["line 2", "created_utc"]),
        (HEADER + ROW.replace("2026-02-05", "2026-02-30"), ["line 2", "no such date"]),
        (HEADER + ROW.replace("ch_1", "1.23E+15"), ["line 2", "source_id", "spreadsheet"]),
        (HEADER + ROW.replace("93.89", "93.98"), ["line 2", "net"]),
        (HEADER + ROW.replace("usd", "$"), ["line 2", "currency"]),
        (HEADER + ROW.replace("97.00", "ninety-seven"), ["line 2", "gross", "no amount"]),
        (HEADER + ROW.replace("97.00", ""), ["line 2", "gross", "empty"]),
        (HEADER.replace("fee", "gross") + ROW, ["two columns", "gross"]),
        (HEADER.replace("created_utc", "x") + ROW, ["created_utc", "missing"]),
        (HEADER + ROW.strip() + ",more\n", ["line 2", "9 of 8"]),
        ("payout_id,payout_expected_arrival_date,net\npo_1,2026-01-01,1\n", ["payouts"]),
        ("category,description,net_amount,currency\nx,y,1.00,usd\n", ["summary"]),
        ("a,b\n1,2\n", ["no export that is read"]),
    ],
)  # fmt: skip
def test_a_refusal_says_what_and_where(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        parse_export("a.csv", text.encode())
    assert [word for word in words if word not in str(refused.value)] == []


def test_an_archive_of_two_files_is_refused() -> None:
    with pytest.raises(UsageError, match="holds 2 files"):
        parse_export("a.zip", pack_zip(ITEMIZED, "a.csv", "b.csv"))


def test_a_file_that_stops_within_its_last_amount_is_refused() -> None:
    header = "balance_transaction_id,created_utc,reporting_category,currency,gross\n"
    whole = header + "".join(f"txn_{n},2026-02-0{n} 10:00:02,charge,usd,97.00\n" for n in (1, 2))
    assert len(parse_export("a.csv", whole.rstrip().encode()).rows) == 2
    for cut in ("97.0", "97.", "97", "9"):
        with pytest.raises(UsageError, match="line 3, column gross"):
            parse_export("a.csv", (whole.removesuffix("97.00\n") + cut).encode())


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def lose(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + content[at + rng.randint(1, 3) :]


def insert(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([rng.randrange(256)]) + content[at:]


def separate(content: bytes, rng: random.Random) -> bytes:
    return content.replace(b",", rng.choice([b";", b"\t", b"|"]))


def repeat(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([*lines, rng.choice(lines[1:])])


def pack(content: bytes, rng: random.Random) -> bytes:
    return rng.choice([cut, lose, insert])(gzip.compress(content, mtime=0), rng)


DAMAGES: list[Callable[[bytes, random.Random], bytes]] = [cut, lose, insert, separate, repeat, pack]

HISTORY = """\
id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC),Description
txn_1,charge,ch_1,"1,097.00",33.11,"1,063.89",usd,2026-02-05 10:00,2026-02-09 00:00,"Studio, x"
txn_2,adjustment,du_1,-20.05,0.00,-20.05,usd,2026-02-20 12:00,2026-02-20 12:00,Chargeback of ch_1
txn_3,charge,py_2,5000,150,4850,jpy,2026-02-21 08:30,2026-02-25 00:00,
"""
"""The same figures as in ITEMIZED, as the balance history writes them."""

SAMPLES = {"itemized": ITEMIZED, "history": HISTORY}


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_samples_hold_the_figures(sample: str) -> None:
    assert read_figures(parse_export("a.csv", SAMPLES[sample].encode())) == FIGURES


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_read_rightly_or_refused(
    damage: Callable[[bytes, random.Random], bytes], sample: str
) -> None:
    refused = 0
    for seed in range(100):
        content = damage(SAMPLES[sample].encode(), random.Random(seed))
        try:
            figures = read_figures(parse_export("a.csv", content))
        except UsageError as error:
            assert str(error).startswith("a.csv")
            refused += 1
            continue
        for name in figures.keys() & FIGURES.keys():
            pairs = zip(figures[name], FIGURES[name], strict=True)
            # A column whose header is damaged is one that the file does not have.
            assert all(read in (None, right) for read, right in pairs), seed
    assert refused or damage is repeat
