"""A made-up business with every mart, for the tests of reports."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from sselfie_insights.build.derived import write_derived
from tests.support.contracts import insert
from tests.support.forecasts import write_forecasts
from tests.support.other_marts import write_other_marts
from tests.support.warehouses import User, write_warehouse

MONTHS = [date(2025 + month // 12, month % 12 + 1, 1) for month in range(5, 23)]
BUSINESS_AS_OF = datetime(2026, 11, 15, 12, tzinfo=UTC)


def write_business(path: Path) -> Path:
    """Write every mart of a made-up business: June 2025 to the middle of November 2026.

    The numbers follow a simple rule, so that pages are the same on every run; the identities of
    METRICS.md hold. The first cohorts are too small to be shown.
    """
    path.write_bytes(_make_business())
    return path


@cache
def _make_business() -> bytes:
    """Return the file, which dozens of tests copy and which takes a second to make."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "w.duckdb")
        _fill(path)
        return path.read_bytes()


def _fill(path: Path) -> None:
    users = [
        User(
            f"u{number}",
            BUSINESS_AS_OF - timedelta(days=520 - number * 1.5),
            [
                (
                    BUSINESS_AS_OF - timedelta(days=520 - number * 1.5 - gap),
                    ("image", "chat", "training", "feed")[gap % 4],
                )
                for gap in range(0, 500, 7 + number % 23)
            ],
            product=("pro", "starter")[number % 2],
            first_subscription_at=BUSINESS_AS_OF - timedelta(days=510 - number * 1.5)
            if number % 3
            else None,
            acquisition="waitlist" if number % 41 == 0 else ("direct", "freebie")[number % 2],
        )
        for number in range(340)
    ]
    write_warehouse(path, users, BUSINESS_AS_OF)
    with duckdb.connect(str(path)) as connection:
        _write_money(connection)
        _write_changes(connection)
        _write_credits_and_use(connection)
        write_other_marts(connection)
        write_forecasts(connection)
    write_derived(path, path)


def _write_money(connection: duckdb.DuckDBPyConnection) -> None:
    movements, churn, rates, revenue = [], [], [], []
    members = mrr = 0
    for index, month in enumerate(MONTHS):
        done = month < date(2026, 11, 1)
        new, back, lost = 3 + index, index // 5, index * 2 // 3
        opening_members, opening = members, mrr
        gained, returned, rise, fall, gone = (
            new * 4900, back * 4900, index * 500, index * 150, lost * 4900
        )  # fmt: skip
        mrr += gained + returned + rise - fall - gone
        members += new + back - lost
        movements.append((
            month, "usd", opening, gained, returned, rise, fall, gone, mrr, mrr - index * 700,
            mrr - 4900 if index > 2 else None, 0 if done else 4900, members, 12 * mrr,
            mrr // members, done,
        ))  # fmt: skip
        churn.append((
            month, opening_members, new, back, lost, max(0, lost - 1), lost // 2, lost // 4,
            lost - lost // 2 - lost // 4, 0 if done else 1, members,
            max(0, lost - 1) / opening_members if opening_members else None, done,
        ))  # fmt: skip
        grr = 1 - (fall + gone) / opening if opening else None
        nrr = None if grr is None else grr + rise / opening
        rates.append((
            month, "usd", opening, None if grr is None else 1 - grr,
            None if nrr is None else 1 - nrr, grr, nrr,
            None if nrr is None else nrr + returned / opening,
            (gained + rise + returned) / (fall + gone) if fall + gone else None, done,
        ))  # fmt: skip
        for position, product in enumerate(("pro", "one_time_session", "credit_topup")):
            count = (members, new * 2, index % 7)[position]
            gross = count * (4900, 2450, 1200)[position]
            back_cents = 2450 if position == 1 and index % 3 == 2 else 0
            revenue.append((
                month, "usd", product, gross, back_cents, 0, gross - back_cents, count, count,
                int(back_cents > 0), 0, done,
            ))  # fmt: skip
    insert(
        connection, "marts.mrr_movements",
        "month, currency, opening_mrr_cents, new_mrr_cents, reactivation_mrr_cents,"
        " expansion_mrr_cents, contraction_mrr_cents, churn_mrr_cents, closing_mrr_cents,"
        " billed_mrr_cents, committed_mrr_cents, in_grace_mrr_cents, member_count, arr_cents,"
        " arpa_cents, is_complete", movements,
    )  # fmt: skip
    insert(
        connection, "marts.churn_by_month",
        "month, opening_member_count, new_member_count, reactivated_count,"
        " churned_member_count, opening_churned_count, voluntary_count, involuntary_count,"
        " unknown_count, in_grace_count, closing_member_count, logo_churn_rate, is_complete", churn,
    )  # fmt: skip
    insert(
        connection, "marts.mrr_churn_by_month",
        "month, currency, opening_mrr_cents, gross_mrr_churn_rate, net_mrr_churn_rate, grr,"
        " nrr, nrr_with_reactivation, quick_ratio, is_complete", rates,
    )  # fmt: skip
    insert(
        connection, "marts.revenue_by_month",
        "month, currency, product_type, gross_cents, refunded_cents, chargeback_cents, net_cents,"
        " payment_count, payer_count, refund_count, chargeback_count, is_complete", revenue,
    )  # fmt: skip
    insert(
        connection, "marts.members_now",
        "customer_key, currency, member_since_on, paid_until_on, mrr_cents, days_left, state",
        [
            (f"user:u{n}", "usd", date(2026, 1, 1 + n), date(2026, 11, 16 + n), 4900, n + 0.5,
             ("active", "cancelling")[n % 2])
            for n in range(12)
        ],
    )  # fmt: skip


def _write_changes(connection: duckdb.DuckDBPyConnection) -> None:
    """The changes of MRR that add up to the movements: who joined first leaves first."""
    changes, staying = [], list[str]()
    for index, month in enumerate(MONTHS):
        start = datetime(month.year, month.month, 1, 6)
        for number in range(3 + index + index // 5):
            staying.append(f"user:m{index}-{number}")
            changes.append((staying[-1], start + timedelta(days=number * 5 % 14), 4900))
        # The first of all stays, pays more every month, and a little less a day later.
        for days, cents in ((3, index * 500), (4, -index * 150)):
            changes += [(staying[0], start + timedelta(days=days), cents)] if cents else []
        for _ in range(index * 2 // 3):
            changes.append((staying.pop(1), start + timedelta(days=10), -4900))
    rows = [(key, "usd", at, cents) for key, at, cents in changes]
    insert(
        connection, "marts.mrr_changes", "customer_key, currency, changed_at, change_cents", rows
    )


def _write_credits_and_use(connection: duckdb.DuckDBPyConnection) -> None:
    flow, usage, adoption = [], [], []
    balance = 0
    for index, month in enumerate(MONTHS):
        done = month < date(2026, 11, 1)
        bought, granted, bonus, adjusted, used = (
            100 * index, 1500 + 300 * index, 50 if index % 4 == 0 else 0, -20, 1000 + 320 * index
        )  # fmt: skip
        opening, balance = balance, balance + bought + granted + bonus + adjusted - used
        flow.append((month, opening, bought, granted, bonus, adjusted, used, 0, balance, done))
        for position, feature in enumerate(("image", "chat", "training", "video")):
            share = used * (6, 2, 1, 1)[position] // 10
            people = (20 + index) * (4, 3, 1, 1)[position] // 5
            usage.append((month, feature, share, people, share, share * 15, done))
            adoption.append((month, feature, people, share, people / (20 + index), done))
    insert(
        connection, "marts.credit_flow_by_month",
        "month, opening_credits, purchased_credits, granted_credits, bonus_credits,"
        " adjusted_credits, used_credits, expired_credits, closing_credits, is_complete", flow,
    )  # fmt: skip
    insert(
        connection, "marts.usage_by_feature",
        "month, feature, used_credits, user_count, event_count, cost_cents, is_complete", usage,
    )  # fmt: skip
    insert(
        connection, "marts.feature_adoption",
        "month, feature, user_count, event_count, adoption_rate, is_complete", adoption,
    )  # fmt: skip
    insert(
        connection, "marts.ledger_gaps",
        "user_id, balance, ledger_balance, gap_credits",
        [("u1", 120, 150, -30), ("u2", 40, 40, 0)],
    )  # fmt: skip
    insert(
        connection, "marts.dropped_rows",
        "reason, source_table, currency, row_count, amount_cents",
        [("duplicate", "stripe_payments", "usd", 41, 200900), ("internal", "users", None, 3, None)],
    )  # fmt: skip
    connection.execute(
        """
        insert into marts.active_users by name
        with spine as (
            select grain, unnest(generate_series(
                date_trunc(grain, date '2025-06-13'), date_trunc(grain, date '2026-11-15'),
                case grain when 'day' then interval 1 day when 'week' then interval 7 day
                    else interval 1 month end
            ))::date as period
            from (values ('day'), ('week'), ('month')) as grains (grain)
        )
        select
            grain, period, 30 + extract(month from period)::bigint as active_count,
            4 as new_count, 20 + extract(month from period)::bigint as returning_count,
            6 as resurrected_count, 5 as dormant_count,
            period < date '2026-11-01' as is_complete
        from spine;
        insert into marts.stickiness by name
        select
            period as day, 5 + (extract(doy from period) % 7)::bigint as dau, 24 as wau,
            40 as mau, (5 + extract(doy from period) % 7) / 40 as stickiness,
            period < date '2026-11-15' as is_complete
        from marts.active_users where grain = 'day';
        """
    )
