"""An assistant's session with `sselfie mcp`, by the protocol's own client, over a real process."""

import json
import sys
from collections.abc import Awaitable, Callable
from datetime import date
from math import sqrt
from pathlib import Path
from typing import Any

import anyio
import duckdb
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests.integration.conftest import Business
from tests.support.models import AS_OF

Ask = Callable[..., Awaitable[Any]]


def converse(warehouse: Path, talk: Callable[[Ask, Client], Awaitable[None]], *args: str) -> None:
    """Let ``talk`` ask a server; an answer is JSON, an error its text."""

    async def session() -> None:
        command = ["-m", "sselfie_insights", "mcp", "--warehouse", str(warehouse), *args]
        async with Client(StdioServerParameters(command=sys.executable, args=command)) as client:

            async def ask(tool: str, **arguments: object) -> Any:
                answer = await client.call_tool(tool, arguments)
                text = answer.content[0].text
                return text if answer.is_error else json.loads(text)

            await talk(ask, client)

    anyio.run(session)


def wilson(count: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    z, share = 1.959963984540054, count / n
    middle = share + z * z / (2 * n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def test_how_did_churn_move_in_october_and_is_it_noise(built_business: Business) -> None:
    """From tools alone; the answer key and Wilson's formula say what the answer is."""
    key = {row["month"]: row for row in built_business.answers["churn/churn_by_month"].to_dicts()}
    september, october = key[date(2026, 9, 1)], key[date(2026, 10, 1)]

    async def talk(ask: Ask, client: Client) -> None:
        found = await ask("list_metrics", search="churn month")
        assert found["metrics"]["churn/churn_by_month"] == "Churn by month"
        described = await ask("describe_metric", metric="churn/churn_by_month")
        assert described["columns"]["logo_churn_rate"]["of"] == "opening_member_count"
        since = {"since": "2026-09-01", "until": "2026-10-31"}
        answer = await ask("run_metric", metric="churn/churn_by_month", parameters=since)
        assert answer["as_of"].startswith(f"{AS_OF:%Y-%m-%d}")
        assert answer["row_count"] == 2
        before, after = answer["rows"]
        ends = []
        for row, truth in ((before, september), (after, october)):
            gone, members = truth["opening_churned_count"], truth["opening_member_count"]
            assert row["opening_churned_count"] in (gone, "<5", "hidden")
            assert row["opening_member_count"] == members
            assert row["logo_churn_rate"] == pytest.approx(gone / members)
            ends.append((row["logo_churn_rate_low"], row["logo_churn_rate_high"]))
            assert ends[-1] == pytest.approx(wilson(gone, members))
        (low, _), (_, high) = sorted(ends)[1], sorted(ends)[0]
        assert low < high, "the intervals overlap: it may be noise"
        causes = await ask("explain_month", measure="churn", month="2026-10")
        (whole,) = causes["sections"]["the-whole"]["rows"]
        change = october["churned_member_count"] - september["churned_member_count"]
        assert whole["change"] == change
        assert causes["is_complete"] is True

    converse(built_business.settings.warehouse, talk)


def test_no_answer_names_a_person_or_a_small_group(built_business: Business) -> None:
    with duckdb.connect(str(built_business.settings.warehouse), read_only=True) as db:
        people = db.execute(
            "select user_id, email, customer_key from marts.dim_contacts"
        ).fetchall()
    secrets = {text for row in people for text in row if text is not None}
    assert len(secrets) > 500

    async def talk(ask: Ask, client: Client) -> None:
        metrics = (await ask("list_metrics"))["metrics"]
        assert len(metrics) > 40
        answers = []
        for metric in metrics:
            answer = await ask("run_metric", metric=metric, rows=2000)
            answers.append(answer)
            described = await ask("describe_metric", metric=metric)
            for size in described.get("people", ()):
                small = [row[size] for row in answer["rows"] if row[size] in (1, 2, 3, 4)]
                assert small == [], metric
        listed = (await ask("list_reports"))["reports"]
        for report in ("overview", "retention", "quality"):
            assert report in listed
            answers.append(await ask("show_report", report=report))
        answers.append(await ask("list_alerts"))
        answers.append(await ask("count_segments"))
        found = words_of(answers) & secrets
        assert found == set()

    converse(built_business.settings.warehouse, talk)


def words_of(content: Any) -> set[str]:
    """Every text in an answer, and every word of it."""
    if isinstance(content, dict):
        return set().union(*map(words_of, content.values()), content)
    if isinstance(content, list):
        return set().union(*map(words_of, content))
    return {content, *content.split()} if isinstance(content, str) else set()


def test_mistakes_are_answered_with_what_to_do(built_business: Business) -> None:
    async def talk(ask: Ask, client: Client) -> None:
        assert "did you mean 'churn/churn_by_month'" in await ask(
            "run_metric", metric="churn_by_mont"
        )
        assert "no assistant is given" in await ask("run_metric", metric="churn/members_now")
        assert "since" in await ask(
            "run_metric", metric="churn/churn_by_month", parameters={"sinc": "2026-01-01"}
        )
        assert "it is one of active_users" in await ask("explain_month", measure="profit")
        freshness = await client.read_resource("sselfie://freshness")
        assert json.loads(freshness.contents[0].text)["run_id"]
        definitions = await client.read_resource("sselfie://definitions")
        assert "churn/churn_by_month" in json.loads(definitions.contents[0].text)

    converse(built_business.settings.warehouse, talk)


def test_what_is_for_analysts_only_is_refused(built_business: Business) -> None:
    """Two cohorts together less one that pages show would be the other, which they hide."""

    async def talk(ask: Ask, client: Client) -> None:
        listed = (await ask("list_metrics"))["metrics"]
        for name in ("retention/activity_comparison", "retention/subscriber_comparison"):
            assert name not in listed
            both = {"since": "2026-01-01", "until": "2026-02-28"}
            answer = await ask("run_metric", metric=name, parameters=both)
            assert "no assistant is given" in answer
            assert "a hidden one could be worked out" in answer

    converse(built_business.settings.warehouse, talk)


def test_a_question_without_end_is_interrupted(
    built_business: Business, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "queries"
    folder.mkdir()
    (folder / "endless.sql").write_text(
        "/*\ngrain: One row.\ntitle: Endless\ndescription: Never ends.\nkey: [n]\npeople: n\n"
        "columns:\n  n: {unit: count, description: Rows.}\n*/\n"
        "with recursive steps as (select 1 as step union all select step + 1 from steps)\n"
        "select count(*) as n from steps\n"
    )
    monkeypatch.chdir(tmp_path)

    async def talk(ask: Ask, client: Client) -> None:
        assert "longer than 0.5 seconds" in await ask("run_metric", metric="endless")

    converse(built_business.settings.warehouse, talk, "--seconds", "0.5")


def test_the_server_reads_a_new_publication_without_a_restart(built_business: Business) -> None:
    """It opens the warehouse for each answer, so a night's publication is in the next."""
    # Nothing holds the file between two answers.
    warehouse = built_business.settings.warehouse

    async def talk(ask: Ask, client: Client) -> None:
        first = await ask("list_alerts")
        with duckdb.connect(str(warehouse)) as db:  # a writer gets in: nobody reads
            db.execute("select 1")
        assert (await ask("list_alerts"))["rows"] == first["rows"]

    converse(warehouse, talk)
