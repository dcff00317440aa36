"""No SQL of one's own shows an address, whatever it does to a column or to a name."""

import re
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.notebook import Warehouse
from sselfie_insights.query import OpenWarehouse, run_own, run_query, run_statement
from sselfie_insights.query.library import load_query, parse_query
from sselfie_insights.query.personal import find_personal
from sselfie_insights.resources import resource_dir
from tests.support.warehouses import write_warehouse
from tests.unit.query.test_run import AS_OF

ADDRESS = "ada.lovelace@example.com"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_warehouse(tmp_path_factory.mktemp("personal") / "w.duckdb", [], AS_OF)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"""
            create schema if not exists raw;
            create schema if not exists staging;
            create schema if not exists snapshots;
            create schema if not exists intermediate;
            create table raw.users (id varchar, email varchar, "weird ""name" varchar);
            insert into raw.users values ('u1', '{ADDRESS}', 'kept'), ('u2', null, 'kept');
            create table raw.unheard_of (id varchar, email varchar);
            insert into raw.unheard_of values ('u1', '{ADDRESS}');
            create type raw.address as enum ('{ADDRESS}');
            create table raw.of_a_few (id varchar, email raw.address);
            insert into raw.of_a_few values ('u1', '{ADDRESS}');
            create table raw.lists (id varchar, email raw.address[]);
            insert into raw.lists values ('u1', ['{ADDRESS}']);
            create macro raw.peek() as table from raw.users;
            create macro raw.one() as (select max(email) from raw.users);
            create view staging.stg_app__users as select id as user_id, email from raw.users;
            create table intermediate.int_accounts as select id as user_id, email from raw.users;
            create table snapshots.users_history as from raw.users;
            insert into marts.dim_contacts by name
            select 'u1' as customer_key, 'u1' as user_id, '{ADDRESS}' as email;
        """)
    return path


ATTACKS = [
    "select email from raw.users union all select id from raw.users",
    "select id, email as address from raw.users",
    'select id, "EMAIL" as x from RAW."USERS"',
    "select lower(email) || '' as x from raw.users",
    "select to_json(u) as x from raw.users u",
    "select u as x from raw.users u",
    "select struct_pack(a := email) as x from raw.users",
    "select row(email)::varchar as x from raw.users",
    "select [email] as x from raw.users",
    "select map([id], [email]) as x from raw.users",
    "select list(email) as x from raw.users",
    "select string_agg(email, ',') as x from raw.users",
    "select max(email) as x from raw.users",
    "select arg_max(email, id) as x from raw.users",
    "select first(email) as x from raw.users",
    "select histogram(email) as x from raw.users",
    "select approx_top_k(email, 1) as x from raw.users",
    "select mode(email) as x from raw.users",
    "select columns('e.*') as x from raw.users",
    "select columns(c -> c like 'em%') from raw.users",
    "select * exclude (id) from raw.users",
    "select * rename (email as x) from raw.users",
    "select * replace (id || email as id) from raw.users",
    "summarize raw.users",
    "summarize select email as x from raw.users",
    "from (summarize raw.users)",
    "unpivot (select id, email from raw.users) on email",
    "unpivot raw.users on columns(*)",
    "from (pivot raw.users on id in ('u1') using max(email))",
    "with u as (from raw.users) select email as x from u",
    "with recursive u as (select email as x from raw.users union all select x from u where false)"
    " select x from u",
    "with u(a, b, c) as (from raw.users) select b from u",
    "select x from raw.users as u(a, x, c)",
    "select (select email from raw.users where id = o.id) as x from raw.users o",
    "select x from raw.users, lateral (select email as x)",
    "select a.email as x from raw.users a join raw.users b using (id)",
    "select a.email as x from raw.users a natural join raw.users b",
    "select email as x from raw.users qualify row_number() over (order by email) = 1",
    "select last_value(email) over (order by id desc) as x from raw.users",
    "select email as x from raw.unheard_of",
    "select email as x from staging.stg_app__users",
    "select email as x from intermediate.int_accounts",
    "select email as x from snapshots.users_history",
    "select email as x from marts.dim_contacts",
    "select unnest(list_transform(list(email), e -> e || '')) as x from raw.users",
    "select error(email) from raw.users",
    "select cast(email as integer) as x from raw.users",
    "select strptime(email, '%Y') as x from raw.users",
    "select json(email) as x from raw.users",
    "select regexp_extract(email, '(') as x from raw.users",
    "select (select email from raw.users)::date as x",
    "from query_table('raw.users')",
    "from query_table(['raw.users'])",
    "from query('from raw.users')",
    "select x from query('select email as x from raw.users')",
    "from duckdb_columns()",
    "from duckdb_databases()",
    "from duckdb_views",
    "from pragma_storage_info('raw.users')",
    "from pragma_table_info('raw.users')",
    "select sql from sqlite_master",
    "from information_schema.tables",
    "from pg_catalog.pg_views",
    "select pg_get_viewdef(1) as x",
    "select current_setting('temp_directory') as x",
    "show databases",
    "from (show all tables) as t join raw.users on true",
    "from w.raw.users",
    "from memory.raw.users",
    "from read_text('w.duckdb')",
    "from 'w.duckdb'",
    "from glob('*')",
    "from ATTACKS",
    "select stats(email) as x from raw.users",
    "with duckdb_views as (select 1 as one) select * from (from duckdb_views)",
    "(from raw.users) union by name (select 'u3' as id)",
    "values ((select email from raw.users where id = 'u1'))",
    "table raw.users",
    "describe select email from raw.users",
    "select email as x from raw.users using sample 100 percent (bernoulli)",
    "select email as x from raw.users positional join raw.unheard_of",
    "select id from raw.users order by (select error(max(email)) from raw.users)",
    "select json_serialize_plan('select email from raw.users') as x",
    "select typeof(email) as x from raw.of_a_few",
    "select enum_range(email) as x from raw.of_a_few",
    "select enum_last(email) as x from raw.of_a_few",
    "describe raw.of_a_few",
    "describe select email as x from raw.of_a_few",
    "select id, email::integer as x from raw.of_a_few",
    "select 'zzz'::raw.address as x from raw.users",
    "select enum_range(null::raw.address) as x",
    "select * from raw.peek()",
    "select raw.one() as x",
    "from raw.lists",
    "select unnest(email) as x from raw.lists",
    "select unnest(u) from raw.users u",
    "select u.* from raw.users u",
    "select struct_extract_at(u, 2) as x from raw.users u",
    "select u['email'] as x from raw.users u",
    "select * like 'e%' from raw.users",
    "select * similar to 'e.*' from raw.users",
    "select columns(['email']) as x from raw.users",
    "select coalesce(*columns('e.*')) as x from raw.users",
    "select x from raw.users u, unnest([u.email]) as t(x)",
    "select x from raw.users u, unnest(string_split(u.email, '@')) as t(x)",
    "pivot raw.users on email",
    "pivot raw.users on email using count(*)",
    "from (pivot raw.users on email in (select email from raw.users) using count(*))",
    "from json_each((select to_json(u) from raw.users u limit 1))",
    "select json_group_array(email) as x from raw.users",
    "select json_group_object(id, email) as x from raw.users",
    "select id from raw.users where email like 'ada%'",
    "select count(*) filter (email like 'ada%') as x, max(length(email)) as y from raw.users",
    "select hash(email) as x, md5(email) as y from raw.users",
    "from histogram_values(raw.users, email)",
    "from json_execute_serialized_sql(json_serialize_sql('select email as x from raw.users'))",
    "explain analyze select email from raw.users",
    "explain select email from raw.users where email > 'a'",
    "select current_database() as x, current_schemas(true) as y",
    "from raw.users at (version => 1)",
    "with u as materialized (from raw.users) select email as x from u",
    "select raw.users.email as x from raw.users",
    "select rowid, email as x from raw.users",
    "select x from (values ((select email from raw.users limit 1))) t(x)",
    "select list_aggregate(list(email), 'string_agg', ',') as x from raw.users",
    "select reduce(list(email), (a, b) -> a || b) as x from raw.users",
    "select email collate nocase as x from raw.users",
    "select try(error(email)) as x from raw.users",
    "select id from raw.users order by error(email)",
    "select id from raw.users limit (select length(max(email)) from raw.users)",
    "select case when email is null then 'n' else email end as x from raw.users",
    "select * from system.information_schema.columns",
    "from system.main.duckdb_columns()",
    "select x from raw.users group by grouping sets ((email), ())",
    "select email as x from raw.users group by all",
    "from raw.users select string_agg(email order by id) as x",
    "select string_agg(u::varchar, ';') as x from raw.users as u",
    "select (u).email as x from raw.users u",
    "select arg_min(u, id) as x from raw.users u",
    "select printf('%s', email) as x from raw.users",
    "select format('{}', email) as x from raw.users",
    "select make_date(email::int, 1, 1) as x from raw.users",
    "select email::uuid as x from raw.users",
    "select json_extract(email, '$.a') as x from raw.users",
    "select strptime('2020', email) as x from raw.users",
    "select date_trunc(email, current_date) as x from raw.users",
    "select regexp_replace('x', email, 'y') as x from raw.users",
    "select union_value(k := email) as x from raw.users",
    "select sum(email) from raw.users",
    "from 'raw.users'",
    'select * from "raw"."users" tablesample reservoir(100%)',
    "select first(email order by email desc) over () as x from raw.users",
    "call pragma_storage_info('raw.users')",
    "execute x",
    "from duckdb_logs",
    "select bitstring_agg(length(email)) as x from raw.users",
    "select email.length() as x from raw.users",
    "select write_log(email) as x from raw.users",
    "from read_blob('w.duckdb')",
    "from read_csv('w.duckdb')",
    "from parquet_metadata('w.duckdb')",
    "from sniff_csv('w.duckdb')",
    "from seq_scan('raw.users')",
    "from test_all_types()",
    "select getenv('HOME') as x",
    "copy raw.users to 'x.csv'",
    "export database 'x'",
    "attach 'w.duckdb' as z",
    "from raw.users; from raw.users",
]


@pytest.mark.parametrize("as_rows", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize("sql", ATTACKS)
def test_no_statement_shows_an_address(warehouse: Path, sql: str, as_rows: bool) -> None:
    with OpenWarehouse(warehouse) as opened:
        try:
            shown = repr(list(run_own(opened, sql, as_rows=as_rows).rows))
        except UsageError as error:
            shown = str(error)
    assert "lovelace" not in shown.lower(), shown


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param(sql, marks=[pytest.mark.slow] if number % 4 else [])
        for number, sql in enumerate(ATTACKS)
    ],
)
def test_no_query_file_shows_an_address(warehouse: Path, tmp_path: Path, sql: str) -> None:
    """Its header says nothing of personal data, and is not trusted."""
    columns = "\n".join(f"  {name}: {{unit: text, description: It.}}" for name in ("x", "email"))
    for body in (sql, f"select *, null as x, null as email from ({sql})"):
        path = tmp_path / "mine.sql"
        path.write_text(
            f"/*\ngrain: One row.\ntitle: Mine\ndescription: Mine.\nkey: []\ncolumns:\n{columns}\n"
            f"*/\n{body}"
        )
        with OpenWarehouse(warehouse) as opened:
            try:
                shown = repr(list(run_query(opened, parse_query("mine", path)).rows))
            except UsageError as error:
                shown = str(error)
        assert "lovelace" not in shown.lower(), shown


def test_the_attacks_work_where_nothing_is_masked(warehouse: Path, tmp_path: Path) -> None:
    """So that the tests above can fail: in a file of its own, which an error may not close."""

    def shows(sql: str) -> bool:
        with OpenWarehouse(warehouse) as opened:
            try:
                return ADDRESS in repr(list(run_statement(opened.connection, sql).rows))
            except UsageError as error:
                return ADDRESS in str(error)

    assert sum(map(shows, ATTACKS)) >= 100


SEGMENT = """/*
grain: One row per person.
title: Mine
description: Mine.
interface: segment
*/
select customer_key from marts.dim_contacts where error(email) is null
"""


@pytest.mark.parametrize(
    "given", [{"only": "mine"}, {"without": "mine"}, {"breakdown": "segment:mine"}]
)
def test_no_segment_of_ones_own_shows_an_address_through_a_packaged_query(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_own("segments/mine.sql", SEGMENT)
    query = load_query("engagement/lifecycle")
    with OpenWarehouse(warehouse) as opened:
        run_query(opened, query, given)
        with pytest.raises(UsageError, match=ADDRESS):  # so that it could
            run_query(opened, query, given, with_personal_data=True)


def test_no_part_of_ones_own_shows_an_address_through_a_packaged_query(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    part = "engagement/use.jinja"
    text = (resource_dir("queries") / part).read_text()
    asks = "where (select error(max(email)) from marts.dim_contacts) is null"
    write_own(part, text.replace("marts.build_info", f"marts.build_info {asks}", 1))
    query = load_query("engagement/lifecycle")
    with OpenWarehouse(warehouse) as opened:
        run_query(opened, query)
        with pytest.raises(UsageError, match=ADDRESS):  # so that it could
            run_query(opened, query, with_personal_data=True)


def write_own(name: str, text: str) -> None:
    path = Path("queries", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_what_is_not_personal_stays(warehouse: Path) -> None:
    with Warehouse(warehouse) as opened:
        rows = opened.sql('select id, email as x, "weird ""name" as y from raw.users', as_rows=True)
        assert rows.data == [("u1", None, "kept"), ("u2", None, "kept")]
        joined = opened.sql(
            "with u as (from raw.users) select count(*) as n from u join marts.dim_contacts c"
            " on u.id = c.user_id",
            as_rows=True,
        )
        assert joined.data == [(1,)]
        tables = opened.sql("show all tables", as_rows=True)
        assert {"users", "dim_contacts"} <= {row[2] for row in tables.data}


def test_personal_data_is_there_when_asked_for(warehouse: Path) -> None:
    with Warehouse(warehouse) as opened:
        for sql in ("select email as x from raw.users order by id", "from query('select 1 as x')"):
            rows = opened.sql(sql, with_personal_data=True, as_rows=True).data
            assert rows[0] in ((ADDRESS,), (1,))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("from raw.nowhere", "Table with name nowhere does not exist"),
        ("from duckdb_tables()", r"not duckdb_tables\(\): 'show all tables' lists them"),
        ("from other.raw.users", "and not another catalog"),
        ("from marts.dim_user", 'Did you mean "dim_users"'),
        ("select nothing from raw.users", '"nothing" not found'),
        ("from a_frame", "Table with name a_frame does not exist"),
    ],
)
def test_an_error_names_nothing_of_ours(warehouse: Path, sql: str, words: str) -> None:
    a_frame = [1]
    with OpenWarehouse(warehouse) as opened, pytest.raises(UsageError, match=words) as error:
        run_own(opened, sql)
    assert a_frame and not re.search("[0-9a-f]{32}", str(error.value))


def test_names_are_personal_by_their_contract() -> None:
    assert "email" in find_personal("raw", "users")
    assert "email" in find_personal("staging", "stg_app__users")
    assert find_personal("marts", "dim_contacts") == {"email"}
    assert find_personal("marts", "dim_users") == frozenset()
    assert "email" in find_personal("elsewhere", "anything")
    assert find_personal("meta", "contract_drift") == frozenset()
