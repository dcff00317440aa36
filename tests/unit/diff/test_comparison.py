"""Restatements, made by hand: two warehouses that differ in known rows and numbers."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app
from sselfie_insights.diff import compare, comparison, resolve, summary
from sselfie_insights.diff.numbers import is_same
from sselfie_insights.errors import UsageError
from sselfie_insights.query.library import load_library
from sselfie_insights.settings import load_settings
from sselfie_insights.warehouse.journal import journaled
from sselfie_insights.warehouse.publications import retain
from tests.support.comparisons import FEW, LATE, MORE, SEPTEMBER, Later, summarize


def test_what_only_goes_on_is_not_restated(later: Later, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "load_library", load_library)
    found = later(
        """
        update marts.revenue_by_month set gross_cents = gross_cents * 2, is_complete = true
            where month = date '2026-11-01';
        insert into marts.mrr_movements
            select * replace (date '2026-12-01' as month) from marts.mrr_movements limit 1;
        update marts.members_now set mrr_cents = 1;
        update marts.liability set liability_cents = 1;
        """
    )
    assert found.restatements == ()
    assert found.rows == ()
    assert found.remarks == ()


def test_a_late_payment_restates_its_month_and_is_named(
    later: Later, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "load_library", load_library)
    with duckdb.connect(template, read_only=True) as db:
        ((pro, everything),) = db.execute(
            "select sum(gross_cents) filter (product_type = 'pro'), sum(gross_cents)"
            " from marts.revenue_by_month where month = date '2026-09-01'"
        ).fetchall()
    found = later(LATE + MORE)
    late = ("late row",)
    assert summarize(found) == {
        ("revenue/refund_rates", SEPTEMBER, "gross_cents", everything, everything + 100, late),
        ("revenue/revenue_by_month", SEPTEMBER, "gross_cents", pro, pro + 100, late),
        ("revenue/revenue_totals", SEPTEMBER, "gross_cents", everything, everything + 100, late),
    }
    (row,) = found.rows
    assert (row.mart, row.customer_key, row.change, row.cause) == (
        "payments", "u3", "added", "late row",
    )  # fmt: skip
    assert row.before is None
    assert json.loads(str(row.after))["gross_cents"] == 100
    assert all(each.rows == (0,) for each in found.restatements)


# A change of the row u2 paid, or one beside it, and why it is said to differ.
CAUSES = {
    "deleted row": "delete from marts.payments where payment_key = 'in_2';",
    "reclassified": "delete from marts.payments where payment_key = 'in_2';"
    " insert into marts.dropped_row_list by name select 'stripe_payments' as source_table,"
    " 'r2' as row_key, 'internal' as reason, 'in_2' as payment_key;",
    "refund": "update marts.payments set refunded_cents = 4900 where payment_key = 'in_2';",
    "changed row": "update marts.payments set gross_cents = 4800 where payment_key = 'in_2';",
    "late row": LATE,
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_cause_is_what_the_files_prove(later: Later, cause: str) -> None:
    found = later(CAUSES[cause] + MORE)
    assert {each.causes for each in found.restatements} == {(cause,)}
    assert [row.cause for row in found.rows] == [cause]


def test_a_payment_counted_now_was_known_before(later: Later) -> None:
    found = later(LATE.replace("in_3", "in_test") + MORE)
    assert {each.causes for each in found.restatements} == {("reclassified",)}


def test_rows_of_other_products_currencies_and_months_are_not_behind(later: Later) -> None:
    found = later(
        LATE.replace("'pro'", "'credit_topup'") + LATE.replace("in_3", "in_4").replace("usd", "eur")
        + LATE.replace("in_3", "in_5").replace("2026-09-20", "2026-08-20") + MORE
    )  # fmt: skip
    by_query = {each.number.query: each for each in found.restatements}
    assert by_query["revenue/revenue_by_month"].causes == ("not proven",)
    # All products together are one number.
    (behind,) = by_query["revenue/revenue_totals"].rows
    assert found.rows[behind].key == "in_3"


PAID_AFTERWARDS = """
    insert into marts.payments values ('in_9', 'in_9', 'payment', date '2026-11-01',
        date '2026-11-18', 'user:u170', 'pro', 'usd', 4900, 0, 0);
    update marts.member_months set mrr_cents = 9900
        where month = date '2026-10-01' and customer_key = 'user:u170';
    update marts.mrr_movements set closing_mrr_cents = closing_mrr_cents + 5000
        where month = date '2026-10-01';
"""


def test_the_next_invoice_says_what_a_month_was_worth(later: Later) -> None:
    """Nobody was in grace, so nothing was late."""
    found = later(PAID_AFTERWARDS)
    assert {(each.number.column, each.causes) for each in found.restatements} >= {
        ("closing_mrr_cents", ("next invoice",))
    }
    assert [(row.mart, row.customer_key) for row in found.rows] == [("member_months", "user:u170")]


@pytest.mark.parametrize(
    ("before", "after", "paid", "cause"),
    [
        (2450, 4900, 4900, "discount ended"),
        (204, 408, 4900, "discount ended"),  # a twelfth of each
        (2450, 4900, 2450, "next invoice"),  # no more is paid than before
        (2450, 4900, 6000, "next invoice"),  # it is not worth what the next invoice is
        (4900, 2450, 4900, "next invoice"),
    ],
)
def test_a_discount_ended_when_the_month_is_worth_the_next_invoice(
    later: Later, before: int, after: int, paid: int, cause: str
) -> None:
    """In October 24.50 were paid; MRR of the month is now that of what is paid in November."""
    where = "where month = date '2026-10-01' and customer_key = 'user:u1'"
    found = later(
        f"""
        insert into marts.payments values ('in_9', 'in_9', 'payment', date '2026-11-01',
            date '2026-11-18', 'user:u1', 'pro', 'usd', {paid}, 0, 0);
        update marts.member_months set mrr_cents = {after} {where};
        update marts.mrr_movements set closing_mrr_cents = closing_mrr_cents + 2450
            where month = date '2026-10-01';
        """,
        before=f"""
        insert into marts.member_months by name
            select * replace ('user:u1' as customer_key, {before} as mrr_cents)
            from marts.member_months where month = date '2026-10-01' limit 1;
        """,
    )
    assert {(each.number.column, each.causes) for each in found.restatements} >= {
        ("closing_mrr_cents", (cause,))
    }


def test_a_summary_says_how_much_what_and_why(later: Later) -> None:
    found = later(
        PAID_AFTERWARDS
        + """
        update marts.mrr_movements set closing_mrr_cents = closing_mrr_cents + 5000
            where month = date '2026-08-01';
        """
    )
    closing = {
        each.number.first_on: (each.number.before, each.number.after)
        for each in found.restatements
        if each.number.query == "revenue/mrr_movements"
    }
    before, after = (f"{value / 100:,.2f}" for value in closing[date(2026, 10, 1)])
    queries = {each.number.query for each in found.restatements}
    last = max(each.number.first_on for each in found.restatements)
    sentences = summary.summarize(found)
    assert sentences[:2] == [
        f"{len(found.restatements)} numbers of {len(queries)} queries changed after their period"
        f" was complete, from Aug 2026 to {last:%b %Y}.",
        f"MRR of Oct 2026 went from ${before} to ${after} (next invoice); 1 earlier month"
        " changed, too.",
    ]
    assert any("(next invoice)" not in each and "next invoice (" in each for each in sentences[2:])
    assert sentences[-1].endswith("changed for a reason that the files do not prove.")


def test_a_late_renewal_takes_back_a_month(later: Later) -> None:
    found = later(PAID_AFTERWARDS.replace("user:u170", "user:u171"))
    assert {(each.number.column, each.causes) for each in found.restatements} >= {
        ("closing_mrr_cents", ("late renewal",))
    }


def test_a_balance_is_explained_by_the_month_that_moved_it(later: Later) -> None:
    found = later(
        """
        delete from marts.credit_entries;
        delete from marts.dropped_row_list where source_table = 'users';
        update marts.credit_flow_by_month set used_credits = used_credits - 5
            where month = date '2026-09-01';
        update marts.credit_flow_by_month set closing_credits = closing_credits + 5
            where month >= date '2026-09-01';
        """
    )
    assert {
        (n.first_on, n.column, each.causes, each.rows)
        for each in found.restatements
        for n in (each.number,)
    } == {
        (SEPTEMBER, "used_credits", ("deleted row",), (0,)),
        (SEPTEMBER, "closing_credits", ("deleted row",), (0,)),
        (date(2026, 10, 1), "closing_credits", ("deleted row",), (0,)),
        # Whose entry it was: who moved credits then, and held some afterwards.
        (SEPTEMBER, "user_count", ("deleted row",), (0,)),
        (date(2026, 10, 1), "opening_user_count", ("deleted row",), (0,)),
    }


@pytest.mark.parametrize(
    ("dropped", "cause"),
    [
        ("('credit_transactions', '7', 'test')", "reclassified"),
        ("('users', 'u1', 'internal')", "reclassified"),
        ("('users', 'u7', 'internal')", "deleted row"),
        ("('credit_transactions', '70', 'test')", "deleted row"),
    ],
)
def test_a_ledger_entry_that_does_not_count_any_more_was_reclassified(
    later: Later, dropped: str, cause: str
) -> None:
    """It is itself among the dropped rows, or the account that it belongs to is."""
    found = later(
        f"""
        delete from marts.credit_entries;
        delete from marts.dropped_row_list where source_table = 'users';
        insert into marts.dropped_row_list (source_table, row_key, reason) values {dropped};
        update marts.usage_by_feature set used_credits = used_credits - 5
            where month = date '2026-09-01' and feature = 'image';
        """
    )
    assert {each.causes for each in found.restatements} == {(cause,)}


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ("in_grace_mrr_cents = 0", "grace ended"),
        ("in_grace_mrr_cents = 0, movement_mrr_cents = 4800", "not proven"),
        ("in_grace_mrr_cents = 0, closing_mrr_cents = 100", "not proven"),
        ("in_grace_mrr_cents = 4800", "not proven"),
    ],
)
def test_an_mrr_movement_can_become_final(later: Later, change: str, cause: str) -> None:
    found = later(
        f"""
        update marts.mrr_by_member set {change};
        update marts.mrr_movements set churn_mrr_cents = churn_mrr_cents - 1
            where month = date '2026-09-01';
        """
    )
    assert [(row.mart, row.cause) for row in found.rows] == [("mrr_by_member", cause)]
    assert ("churn_mrr_cents", (cause,)) in {
        (each.number.column, each.causes) for each in found.restatements
    }


def test_rows_that_come_and_go_are_restated_too(later: Later) -> None:
    found = later(
        """
        delete from marts.usage_by_feature where month = date '2026-09-01' and feature = 'video';
        insert into marts.usage_by_feature values
            (date '2026-09-01', 'new', 3, 1, 1, 45, true),
            (date '2026-11-01', 'new', 3, 1, 1, 45, true);
        """
    )
    events = {
        (n.first_on, n.key["feature"], n.column): (n.before, n.after)
        for n in (each.number for each in found.restatements)
        if n.column == "event_count"
    }
    assert set(events) == {(SEPTEMBER, "new", "event_count"), (SEPTEMBER, "video", "event_count")}
    assert events[SEPTEMBER, "new", "event_count"] == (None, 1)
    assert events[SEPTEMBER, "video", "event_count"][1] is None


@pytest.mark.parametrize(
    ("change", "cause", "remark"),
    [
        ("timezone = 'Europe/Oslo'", "other settings", "the reporting zone was UTC and is Europe/"),
        ("grace_days = 3", "other settings", "the number of grace days was 14 and is 3"),
        ("definitions = 1", "the definition changed", "version 3 and are version 1: Contract and"),
    ],
)
def test_other_settings_are_said_first(later: Later, change: str, cause: str, remark: str) -> None:
    found = later(f"update marts.build_info set {change};" + MORE)
    assert remark in found.remarks[0]
    assert {each.causes for each in found.restatements} == {(cause,)}


def test_where_somebody_was_forgotten_that_is_the_cause(
    later: Later, template: Path, tmp_path: Path
) -> None:
    with duckdb.connect(template, read_only=True) as db:
        row = db.execute("select synced_at from marts.build_info").fetchone()
    assert row is not None
    with journaled(tmp_path / "b.duckdb", "forget", "r"):
        pass
    then = "update marts.build_info set synced_at = timestamp '2099-01-01';"
    assert {each.causes for each in later(then + MORE).restatements} == {
        ("somebody was forgotten",)
    }


def test_the_present_is_compared_where_both_speak_for_one_instant(
    template: Path, tmp_path: Path
) -> None:
    after = Path(shutil.copy(template, tmp_path / "b.duckdb"))
    with duckdb.connect(after) as db:
        db.execute("update marts.liability set liability_cents = 1")
    found = compare(load_settings(warehouse=after), template, after)
    assert summarize(found) == {
        ("credits/liability", None, "liability_cents", 54000, 1, ("not proven",))
    }


def test_a_query_that_one_file_cannot_answer_is_named(later: Later) -> None:
    found = later("drop table marts.payers_by_month;")
    assert [each.partition(" was")[0] for each in found.remarks] == [
        "revenue/payers_by_month", "revenue/refund_rates", "revenue/revenue_totals",
    ]  # fmt: skip
    assert found.restatements == ()


def test_the_earlier_publication_comes_first(template: Path, tmp_path: Path) -> None:
    after = Path(shutil.copy(template, tmp_path / "b.duckdb"))
    with duckdb.connect(after) as db:
        db.execute("update marts.build_info set as_of = as_of + interval 7 day")
    with pytest.raises(UsageError, match="earlier publication first"):
        compare(load_settings(warehouse=after), after, template)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (1, 1, True), (1, 2, False), (10**17, 10**17 + 1, False), (None, None, True),
        (None, 0, False), (0.1 + 0.2, 0.3, True), (0.3, 0.3001, False),
    ],
)  # fmt: skip
def test_whole_numbers_are_compared_exactly(before: float, after: float, same: bool) -> None:
    assert is_same(before, after) is same


def test_the_command_takes_dates_names_and_files(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    warehouse = Path(shutil.copy(template, tmp_path / "w.duckdb"))
    kept = retain(warehouse, datetime(2026, 11, 15, 13, tzinfo=UTC))
    after = Path(shutil.copy(template, tmp_path / "b.duckdb"))
    with duckdb.connect(after) as db:
        db.execute(LATE + MORE)
    settings = load_settings(warehouse=warehouse)
    assert resolve(settings, None) == warehouse
    assert resolve(settings, "2026-11-15") == resolve(settings, kept.name) == kept.path

    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["diff", *words, "--warehouse", str(warehouse)])
        return result.exit_code, result.stdout, result.stderr

    assert run("2026-11-15", "latest") == (0, "nothing restated\n", "")
    monkeypatch.setattr(comparison, "load_library", lambda: FEW)
    code, out, _ = run("2026-11-15", str(after))
    assert code == 0
    assert "revenue/revenue_by_month  2026-09-01  currency=usd, product_type=pro" in out
    assert "u3" in out and "late row" in out
    code, out, _ = run(kept.name, str(after), "--format", "json")
    content = json.loads(out)
    assert {each["query"] for each in content["numbers"]} == {
        "revenue/refund_rates", "revenue/revenue_by_month", "revenue/revenue_totals",
    }  # fmt: skip
    assert [row["customer_key"] for row in content["rows"]] == ["u3"]
    assert content["before"]["publication"] == kept.name
    code, out, _ = run("latest", str(after), "--format", "csv")
    assert len(out.splitlines()) == 4
    code, out, _ = run("latest", str(after), "--format", "csv", "--rows")
    assert out.splitlines()[1].startswith("0,payments,u3,in_3,added,late row,,")
    code, out, note = run("latest", "--format", "csv")
    assert len(out.splitlines()) == 1 and note == "note: nothing restated\n"


def test_rows_that_cannot_be_compared_are_said_so(later: Later) -> None:
    found = later("alter table marts.credit_entries drop column kind;" + LATE + MORE)
    assert {each.causes for each in found.restatements} == {("late row",)}
    (remark,) = found.remarks
    assert remark.startswith("the rows of credit_entries could not be compared: Binder Error")
