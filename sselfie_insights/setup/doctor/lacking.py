"""Documented tables that numbers are made from and a sync does not read, and what to do."""

from collections.abc import Container, Iterable, Iterator, Mapping

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import name_some
from sselfie_insights.query.needs import load_needs
from sselfie_insights.settings import CONFIG_FILE, Settings
from sselfie_insights.setup.doctor.finding import Finding
from sselfie_insights.sync.catalog import Catalog, LeftOut, SourceTable
from sselfie_insights.sync.names import Names
from sselfie_insights.sync.source import Source

_BASES = """
select distinct tn.nspname::text, t.relname::text
from pg_catalog.pg_class v
join pg_catalog.pg_namespace vn on vn.oid = v.relnamespace
join pg_catalog.pg_rewrite r on r.ev_class = v.oid and r.ev_type = '1'
join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
    and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> v.oid
join pg_catalog.pg_class t on t.oid = d.refobjid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
where v.relkind = 'v' and vn.nspname = %s and v.relname = %s
"""
"""What a view reads."""

_SUPABASE = """
select from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'auth' and c.relname = 'users' and c.relkind = 'r'
"""

_COPIED = "select id, email, created_at from auth.users"
"""No other column of Supabase's users, least of all the hashes of their passwords."""


def find_absent(
    catalog: Catalog, left_out: Iterable[LeftOut], names: Names, settings: Settings
) -> dict[str, LeftOut]:
    """Return what stands in place of documented tables and is not mirrored, by their names."""
    schema = settings.source_schemas[0]
    return {
        item.documented: item
        for item in left_out
        if item.documented
        and (schema, names.tables.get(item.documented, item.documented)) not in catalog
    }


def find_shown(
    source: Source, catalog: Catalog, absent: Iterable[LeftOut]
) -> dict[str, SourceTable]:
    """Return the one undocumented table that a view shows, by the view's documented name."""
    shown = {}
    for item in absent:
        bases = source.execute(_BASES, [item.schema, item.name]) if item.cause == "kind" else []
        found = catalog.get(bases[0]) if len(bases) == 1 else None
        if found is not None and found.schema == item.schema and found.name not in load_contract():
            shown[item.documented] = found
    return shown


def describe_absent(absent: Mapping[str, LeftOut], shown: Container[str] = ()) -> Iterator[Finding]:
    """Yield findings of what keeps tables out that numbers are made from.

    Args:
        absent: What stands in place of documented tables, by their names.
        shown: The names of views for which a table is proposed.
    """
    needed = {column.partition(".")[0] for column in load_needs()} & absent.keys()
    chosen = sorted(name for name in needed if absent[name].cause == "settings")
    if chosen:
        yield Finding(
            "left out",
            "warning",
            f"{CONFIG_FILE} leaves out {name_some(chosen)}: what is made from them is not known",
            "take them out of tables.leave_out; if it is meant, nothing is wrong",
        )
    for name in sorted(needed):
        item = absent[name]
        if item.cause == "kind" and name not in shown:
            yield Finding(
                "not mirrored",
                "warning",
                f"{item.name} is {item.reason}; what is made from it is not known",
                f"put a materialized view in its place, or say in {CONFIG_FILE} which table has its"
                f' rows, as in tables.renamed.{name} = "its_name"',
            )


def describe_lacking(
    source: Source, catalog: Catalog, names: Names, found: Container[str], settings: Settings
) -> Iterator[Finding]:
    """Yield a finding of the tables that numbers cannot do without and nothing looks like.

    Args:
        source: The source.
        catalog: Its tables.
        names: What they are called otherwise.
        found: The documented names of tables that something looks like.
        settings: The schemas that are read.
    """
    schema = settings.source_schemas[0]
    lacking = [
        table.name
        for table in load_contract().values()
        if any(column.is_required for column in table.columns)
        and (schema, names.tables.get(table.name, table.name)) not in catalog
        and table.name not in found
    ]
    if lacking:
        yield Finding(
            "lacking",
            "warning",
            f"nothing looks like {name_some(lacking)}: what is made from them is not known",
            f"if one is there under another name, say so in {CONFIG_FILE}, as in"
            f' tables.renamed.{lacking[0]} = "its_name"; if not, nothing is wrong',
        )
    if "users" in lacking and source.execute(_SUPABASE):
        yield Finding(
            "users",
            "warning",
            "Supabase keeps users in auth.users, which is not read: hashes of passwords are there",
            f"as its owner: create materialized view {schema}.users as {_COPIED}; and refresh it"
            " before each run",
        )
