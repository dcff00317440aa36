from sselfie_insights import contract
from sselfie_insights.sync.catalog import LeftOut, moved_tables
from sselfie_insights.sync.drift import contract_drift
from tests.unit.sync.sources import column, table


def documented(name: str, *columns: tuple[str, str], **aliases: tuple[str, ...]) -> contract.Table:
    return contract.Table(
        name,
        "One row per thing.",
        "section",
        tuple(
            contract.Column(column, kind, "", aliases=aliases.get(column, ()))
            for column, kind in columns
        ),
    )


def test_every_kind_of_drift() -> None:
    catalog = {
        ("public", "t"): table(
            column("text", "text", name="id"),
            column("timestamp without time zone", "timestamp", name="made_at"),
            column("text", "text", name="plan"),
            column("text", "text", name="odd"),
        ),
        ("public", "extra"): table(name="extra"),
        ("crm", "parts"): table(name="parts", schema="crm", has_foreign=True),
    }
    contracts = {
        "t": documented(
            "t",
            ("id", "text"),
            ("made_at", "timestamptz"),
            ("plan_name", "text"),
            ("lost", "integer"),
            plan_name=("plan",),
        ),
        "absent": documented("absent", ("id", "text")),
        "shown": documented("shown", ("id", "text")),
        "kept": documented("kept", ("id", "text")),
    }
    left_out = [
        LeftOut("public", "shown", "kind", "a view", documented="shown"),
        LeftOut("public", "Kept", "settings", "left out", documented="kept"),
        LeftOut("crm", "shown", "kind", "a view"),
    ]
    assert set(contract_drift(catalog, "public", contracts, left_out)) == {
        ("t", "made_at", "type differs",
         "timestamp without time zone, documented as timestamp with time zone"),
        ("t", "plan_name", "column renamed", "is plan in the source"),
        ("t", "lost", "column missing", "documented, and not in the source"),
        ("t", "odd", "column undocumented", "text"),
        ("absent", None, "table missing", "documented, and not in the source"),
        ("extra", None, "table undocumented", "0 columns"),
        ("shown", None, "table not mirrored", "documented, and a view"),
        ("kept", None, "table left out", "is Kept in the source, left out"),
        ("crm.shown", None, "not mirrored", "a view"),
        ("crm.parts", None, "foreign partition",
         "some of its rows live on another server: read in full, and not at the snapshot"),
    }  # fmt: skip


def test_moved_tables_are_those_whose_files_or_definition_changed() -> None:
    plain = table(column("text", "text"))
    before = {("public", "t"): plain, ("public", "gone"): table(name="gone", oid=2)}
    after = {
        ("public", "t"): table(column("text", "text"), storage="1:2"),
        ("public", "new"): table(name="new", oid=3),
    }
    assert moved_tables(before, before) == []
    assert moved_tables(before, after) == ["public.gone", "public.new", "public.t"]
    retyped = {("public", "t"): table(column("varchar", "varchar"))}
    assert moved_tables({("public", "t"): plain}, retyped) == ["public.t"]
