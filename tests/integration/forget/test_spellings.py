"""A person is found however their address and id are written, in rows and in files."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from urllib.parse import quote

import duckdb

from sselfie_insights.forget import forget
from sselfie_insights.warehouse.pseudonyms import read_key, write_pseudonym
from sselfie_insights.warehouse.publish import writable_copy
from tests.integration.run.people import ANN, BEA, EMAIL
from tests.support.forgetting import Place, counts, rows, traces

SPELLED = (
    *(quote(EMAIL), quote(EMAIL, safe="").lower(), quote(quote(EMAIL))),
    *("".join(f"{form % ord(c)}" for c in EMAIL) for form in ("%%%02X", "&#%d;", "&#x%x;")),
    EMAIL.replace("@", "&commat;").replace(".", "&period;"),
    EMAIL.replace("@", "&#64;"),
    "".join(f"\\u{ord(c):04x}" for c in EMAIL),
    EMAIL.replace("@", "\\u0040"),
    EMAIL.upper(),
    f"mailto%3A{quote(EMAIL)}%3Fx",
    f"&lt;{EMAIL}&gt;",
    f"\\n{EMAIL}\\n",
    f"\\u003c{EMAIL}\\u003e",
    f"https://x.example/avatars/{ANN}.png?v=1",
    f"https://x.example/{ANN}/a",
    f"s3://b/user-{ANN}_small.webp",
    f"https://x.example/{EMAIL}.json",
)
OTHERS = (f"jo{EMAIL}", f"jo{quote(EMAIL)}", f"{EMAIL}.uk", f"{EMAIL}x", f"{ANN}x", f"x{ANN}")


def test_every_spelling_in_rows_of_others_is_found(place: Place) -> None:
    """Each is in the row of somebody else, as text, in JSON, in a list and as bytes."""
    with writable_copy(place.settings.warehouse) as private, duckdb.connect(private) as db:
        db.execute("create table raw.mentions (n int, v varchar, j json, l varchar[], b blob)")
        for number, text in enumerate((*SPELLED, *OTHERS)):
            value = f"see {text} there"
            db.execute(
                "insert into raw.mentions values (?, ?, ?, ?, ?)",
                [number, value, json.dumps({"a": value}), ["x", value], value.encode("utf-16-le")],
            )
    report = forget(place.settings, EMAIL)
    assert counts(report, "warehouse")["raw.mentions"] == (0, len(SPELLED))
    for number, v, j, others, b in rows(
        place.settings.warehouse, "select n, v, j, l, b from raw.mentions order by n"
    ):
        if number < len(SPELLED):
            assert "[forgotten]" in v and "[forgotten]" in json.loads(j)["a"], SPELLED[number]
            assert (others[0], "[forgotten]" in others[1], b) == ("x", True, None)
        else:
            kept = f"see {OTHERS[number - len(SPELLED)]} there"
            assert (v, json.loads(j), others) == (kept, {"a": kept}, ["x", kept])
            assert b.decode("utf-16-le") == kept


def pack(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def test_every_spelling_in_files_is_found(place: Place) -> None:
    folder = place.settings.output_dir / "mine"
    folder.mkdir()
    plain = f"a,b\r\n1,{EMAIL}\r\n"
    gone = {f"spelled-{n}.txt": f"see {text} there".encode() for n, text in enumerate(SPELLED)} | {
        "utf16.csv": plain.encode("utf-16"),
        "utf16be.csv": b"x" + plain.encode("utf-16-be"),
        "utf16le.csv": plain.encode("utf-16-le"),
        "a.csv.gz": gzip.compress(plain.encode()),
        "b.bz2": bz2.compress(plain.encode()),
        "c.xz": lzma.compress(plain.encode()),
        "d.tar.gz": gzip.compress(b"\0" * 600 + plain.encode("utf-16-le")),
        "e.zip": pack("inner.zip", pack("x.txt", SPELLED[0].encode())),
        "f.zip": pack(f"{EMAIL}.txt", b"nothing"),
        "mail.eml": f"to: {EMAIL.replace('@', '=40')}".encode(),
        "far.txt": b"-" * ((1 << 24) - 5) + plain.encode(),
        f"{EMAIL}.csv": b"1", f"{quote(EMAIL, safe='')}.html": b"1", f"avatar-{ANN}.png": b"1",
    }  # fmt: skip
    kept = {f"kept-{n}.txt": f"see {text} there".encode() for n, text in enumerate(OTHERS)} | {
        f"jo{EMAIL}.csv": b"1", "n.csv.gz": gzip.compress(b"1"), "n.zip": pack("n.txt", b"1"),
    }  # fmt: skip
    for name, content in (gone | kept).items():
        (folder / name).write_bytes(content)
    report = forget(place.settings, EMAIL)
    assert {path.name for path in report.outputs.remove if path.parent == folder} == gone.keys()
    assert {path.name for path in folder.iterdir()} == kept.keys()


def test_an_export_that_holds_a_pseudonym_goes(place: Place) -> None:
    key = read_key(place.settings.warehouse)
    exports = place.settings.output_dir / "exports"
    for name, person in (("ann", ANN), ("bea", BEA)):
        (exports / name).mkdir()
        listed = {"sources": {}, "files": [{"path": "people.csv"}]}
        (exports / name / "manifest.json").write_text(json.dumps(listed))
        text = f"customer_key,mrr_cents\n{write_pseudonym(key, person)},4900\n"
        (exports / name / "people.csv").write_text(text)
    report = forget(place.settings, EMAIL)
    assert exports / "ann" in report.outputs.remove
    assert not (exports / "ann").exists()
    assert (exports / "bea" / "people.csv").exists()
    assert read_key(place.settings.warehouse) == key


def test_what_killed_writers_left_goes(place: Place) -> None:
    warehouse = place.settings.warehouse
    kept = place.folder / ".w.duckdb.publications"
    left = [
        warehouse.with_name("w.duckdb.wal"),
        warehouse.with_name(".w.duckdb.runs.jsonl.0a1b2c3d"),
        warehouse.with_name(".w.duckdb.segments.jsonl.0a1b2c3d"),
        kept / "20261119T120000Z.duckdb.partial",
        kept / "20261119T120000Z.duckdb.wal",
        place.folder / ".w.duckdb.private" / "0a1b2c3d" / "w.duckdb",
        place.folder / "w.duckdb.tmp" / "duckdb_temp_storage-0.tmp",
        place.settings.output_dir / ".site.0a1b2c3d.partial" / "index.html",
        place.settings.output_dir / ".mailing.csv.0a1b2c3d",
    ]
    for path in left[1:]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"1,{EMAIL}\n")
    forget(place.settings, EMAIL)
    assert [path for path in left if path.exists()] == []
    assert traces(place.folder) == set()
