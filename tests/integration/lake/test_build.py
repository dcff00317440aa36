"""Marts that Sail builds from the lake are those that DuckDB builds, row for row."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights.build import build, build_on_spark, spark
from sselfie_insights.build.dbt import NodeResult
from sselfie_insights.cli import app
from sselfie_insights.errors import SourceError, SselfieError, UsageError
from sselfie_insights.forget import forget
from sselfie_insights.lake.store import Store
from sselfie_insights.migrate import apply
from sselfie_insights.query import OpenWarehouse, load_library, run_query
from sselfie_insights.query.csv_file import to_csv
from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.simulate import simulate
from sselfie_insights.sync import sync
from tests.conftest import temporary_database
from tests.support.models import AS_OF, ZONE
from tests.support.sail import running_sail

# Two syncs saw users and subscriptions, in two states each.
HISTORIES = """
    create schema snapshots;
    create table snapshots.users_history as
        select id as user_id, role, step = 2 as is_onboarded, id || step as dbt_scd_id,
            seen_at as dbt_updated_at, seen_at as dbt_valid_from,
            case when step = 1 then timestamp '2026-02-01' end as dbt_valid_to
        from raw.users, (values (1, timestamp '2026-01-01'), (2, timestamp '2026-02-01'))
            as seen (step, seen_at);
    create table snapshots.subscriptions_history as
        select id as subscription_row_id, user_id, stripe_subscription_id, product_type,
            case when step = 1 then 'trialing' else status end as status,
            timezone('UTC', created_at) as current_period_start_at,
            timezone('UTC', created_at) + interval '1 month' as current_period_end_at,
            step = 2 as is_cancelling, id || '-' || step as dbt_scd_id,
            seen_at as dbt_updated_at, seen_at as dbt_valid_from,
            case when step = 1 then timestamp '2026-02-01' end as dbt_valid_to
        from raw.subscriptions, (values (1, timestamp '2026-01-01'), (2, timestamp '2026-02-01'))
            as seen (step, seen_at);
"""


DOUBLE = re.compile(r"\d+\.\d+(e[-+]?\d+)?")

DIFFERENT = {"quality/check_results"}
"""Queries that say when each engine was asked."""


class Pair(NamedTuple):
    """One mirror, and what each engine built of it."""

    by_duckdb: Settings
    by_sail: Settings


@pytest.fixture(
    scope="module",
    params=[ZONE, pytest.param("UTC", marks=pytest.mark.slow)],
)
def pair(
    request: pytest.FixtureRequest, server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """A business with refunds, disputes and histories in the shape of a live database."""
    folder = tmp_path_factory.mktemp("lake")
    exports = folder / "exports"
    with temporary_database(server) as url, running_sail() as remote:
        settings = load_settings(
            database_url=url,
            warehouse=folder / "duckdb.duckdb",
            as_of=AS_OF.isoformat(),
            timezone=request.param,
            stripe_exports=exports,
            lake_url=str(folder / "lake"),
            spark_remote=remote,
        )
        apply(url)
        simulate(
            url,
            users=150,
            seed=31,
            as_of=AS_OF,
            shape="live",
            timezone=request.param,
            stripe_exports=exports,
        )
        sync(settings)
        with duckdb.connect(settings.warehouse) as db:
            db.execute(HISTORIES)
        other = settings.model_copy(update={"warehouse": folder / "sail.duckdb"})
        shutil.copy(settings.warehouse, other.warehouse)
        build(settings)
        build_on_spark(other)
        yield Pair(settings, other)


def test_every_table_is_equal(pair: Pair) -> None:
    with duckdb.connect() as db:
        db.execute(f"attach '{pair.by_duckdb.warehouse}' as one (read_only)")
        db.execute(f"attach '{pair.by_sail.warehouse}' as other (read_only)")
        tables = {
            file: db.execute(
                "select schema_name, table_name,"
                " list((column_name, data_type) order by column_index)"
                " from duckdb_columns() where database_name = ?"
                " and schema_name in ('marts', 'forecast', 'growth') group by all order by all",
                [file],
            ).fetchall()
            for file in ("one", "other")
        }
        counts, unequal = {}, {}
        for schema, name, columns in tables["one"]:
            # The last digits of a double depend on the order in which others were added.
            chosen = ", ".join(
                f'round("{column}", 9)' if kind == "DOUBLE" else f'"{column}"'
                for column, kind in columns
                # What Spark has no type for is text in the lake.
                if (name, column) != ("unconverted_values", "live_type")
            )
            one = f'select {chosen} from one.{schema}."{name}"'
            other = f'select {chosen} from other.{schema}."{name}"'
            counts[name] = db.execute(f"from ({one})").fetchall()
            unequal[name] = db.execute(
                f"({one} except all {other}) union all ({other} except all {one})"
            ).fetchall()
    assert tables["one"] == tables["other"]
    assert {name: rows for name, rows in unequal.items() if rows} == {}
    empty = {name for name, rows in counts.items() if not rows}
    assert len(counts) - len(empty) > 65, empty


def test_every_query_gives_the_same_file(pair: Pair) -> None:
    files: list[dict[str, str]] = []
    for settings in pair:
        with OpenWarehouse(settings.warehouse) as warehouse:
            results = (run_query(warehouse, query) for query in load_library().values())
            # The last digits of a double depend on the order in which others were added.
            files.append({each.name: DOUBLE.sub(_round, to_csv(each).decode()) for each in results})
    one, other = files
    assert {name for name, text in one.items() if text != other[name]} == DIFFERENT
    assert sum(text.count("\n") > 1 for text in one.values()) > 80


def _round(found: re.Match[str]) -> str:
    return f"{float(found[0]):.9g}"


def test_what_the_tests_found_is_recorded(pair: Pair) -> None:
    found = []
    for settings in pair:
        with duckdb.connect(settings.warehouse, read_only=True) as db:
            found.append(
                db.execute(
                    "select check_name, table_name, severity, status, failed_rows"
                    " from meta.check_results where suite = 'marts' order by all"
                ).fetchall()
            )

    assert len(found[0]) > 170
    assert found[0] == found[1]


def test_check_says_what_it_could_not_see(pair: Pair) -> None:
    arguments = ["check", "--suite", "marts", "--warehouse", str(pair.by_sail.warehouse)]
    done = CliRunner().invoke(app, arguments)

    assert done.exit_code == 0, done.output
    assert (
        "tests could not be run here: they read tables that the build on Spark left" in done.stderr
    )


def test_a_build_leaves_its_marts_and_no_levels(pair: Pair) -> None:
    store = Store(pair.by_sail.require_lake_url())
    published = store.read("marts.json")

    assert len(published["marts"]) > 55
    files = store.list("runs")
    assert files
    assert {path.split("/")[1] for path in files} == {published["run_id"]}
    assert not [path for path in files if "/levels/" in path]


def test_a_build_that_fails_publishes_nothing(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(pair.by_sail.require_lake_url())
    files = store.list("")
    content = pair.by_sail.warehouse.read_bytes()

    def run_with(*_: object, environment: dict[str, str], **__: object) -> list[NodeResult]:
        folder = Path(environment["SSELFIE_DBT_LAKE_RUN"], "marts", "users")
        folder.mkdir(parents=True)
        (folder / "0.parquet").touch()
        raise SselfieError("it fails")

    monkeypatch.setattr(spark, "run_with", run_with)
    with pytest.raises(SselfieError, match="it fails"):
        build_on_spark(pair.by_sail)

    assert store.list("") == files
    assert pair.by_sail.warehouse.read_bytes() == content


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"lake_url": None}, UsageError, "no lake: set SSELFIE_LAKE_URL"),
        ({"spark_remote": None}, UsageError, "no Spark: set SSELFIE_SPARK_REMOTE"),
        ({"spark_remote": "http://127.0.0.1"}, UsageError, "no address of Spark Connect: write it"),
        ({"spark_remote": "sc://127.0.0.1:9"}, SourceError, r"127\.0\.0\.1:9 cannot be reached"),
    ],
)
def test_what_is_missing_is_named(
    pair: Pair, changed: dict[str, str], error: type[SselfieError], message: str
) -> None:
    flags = pair.by_sail.model_dump(exclude_defaults=True) | changed

    with pytest.raises(error, match=message):
        build_on_spark(load_settings(**flags))


def test_whoever_is_forgotten_is_in_no_file_of_the_lake(pair: Pair, tmp_path: Path) -> None:
    """The last test: it takes the builds from the lake."""
    store = Store(pair.by_sail.require_lake_url())

    def files_with(user: str) -> list[str]:
        with duckdb.connect() as db:
            return [
                path
                for path in store.list("")
                if path.endswith(".parquet")
                and user in str(db.execute("from read_parquet(?)", [store.url(path)]).fetchall())
            ]

    with duckdb.connect(pair.by_sail.warehouse, read_only=True) as db:
        (user,) = db.execute(
            "select user_id from raw.subscriptions where user_id is not null order by id limit 1"
        ).fetchone() or ("",)
    before = files_with(user)
    assert any(path.startswith("raw/") for path in before)
    assert any(path.startswith("snapshots/") for path in before)
    assert any(path.startswith("runs/") for path in before)

    forget(pair.by_sail, user)

    assert files_with(user) == []
    assert store.list("runs") == []
    assert store.read("marts.json") is None
