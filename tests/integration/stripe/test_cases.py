"""The worked cases of Stripe's exports, in the models."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.support import exports
from tests.support.billing.answers import rows_of
from tests.support.billing.cases import AS_OF, Case
from tests.support.billing.models import Models, Surroundings

MARTS = ("revenue_by_month", "payments", "stripe_fees", "stripe_reconciliation")
MONEY = {"gross": "gross_cents", "refunded": "refunded_cents", "chargeback": "chargeback_cents"}
SUMS = ("row_count", "database_cents", "stripe_cents")

Answer = dict[str, Any]


def expected(expect: Mapping[str, Any]) -> Answer:
    """Return what a case says: money by month and currency, fees, reconciliation by currency."""
    answer: Answer = {}
    for month, currencies in expect.get("revenue", {}).items():
        answer[f"revenue {month}"] = {
            c: sums for c, sums in currencies.items() if any(sums.values())
        }
    for month, fees in expect.get("fees", {}).items():
        answer[f"fees {month}"] = {c: cents for c, cents in fees.items() if cents}
    if "reconciliation" in expect:
        kinds = expect["reconciliation"]
        is_usd = any("row_count" in sums for sums in kinds.values())
        answer["reconciliation"] = {"usd": kinds} if is_usd else kinds
    return answer


def found(marts: Mapping[str, list[Any]], asked: Answer) -> Answer:
    """Return what the marts say of what a case says something of."""
    answer: Answer = {key: {} for key in asked}
    for row in marts["revenue_by_month"]:
        month = answer.get(f"revenue {row['month']:%Y-%m}")
        for name, column in MONEY.items():
            if month is not None and row[column]:
                sums = month.setdefault(row["currency"], {})
                sums[name] = sums.get(name, 0) + row[column]
    for row in marts["stripe_fees"]:
        month = answer.get(f"fees {row['month']:%Y-%m}")
        if month is not None and row["fee_cents"]:
            month[row["currency"]] = row["fee_cents"]
    if "reconciliation" in asked:
        kinds: Any = defaultdict(lambda: defaultdict(lambda: dict.fromkeys(SUMS, 0)))
        for row in marts["stripe_reconciliation"]:
            for name in SUMS:
                kinds[row["currency"]][row["kind"]][name] += row[name]
        answer["reconciliation"] = {currency: dict(each) for currency, each in kinds.items()}
    return answer


def without_unchecked(answer: Answer, found: Answer) -> Answer:
    """Return ``answer`` with what is found in the place of what a case does not check."""
    for currency, kinds in answer.get("reconciliation", {}).items():
        for kind, sums in kinds.items():
            known = found["reconciliation"].get(currency, {}).get(kind, {})
            sums.update({name: known.get(name) for name, value in sums.items() if value is None})
    return answer


def solve(case: Case, models: Models) -> tuple[Answer, list[Answer]]:
    read, messages = exports.read_all(exports.contents(case))
    blocks = case.expect.get("either", [case.expect])
    blocks = [each for each in blocks if bool(each.get("refused")) == bool(messages)]
    surroundings = Surroundings(case.as_of, case.settings.get("timezone", "UTC"))
    exports.fill(models.connection, read)
    marts = models.build(rows_of([case]), surroundings, MARTS)
    asked = [expected(block) for block in blocks]
    answer = found(marts, asked[0])
    return answer, [without_unchecked(each, answer) for each in asked]


@pytest.mark.parametrize("case", exports.load_cases(), ids=lambda case: case.id)
def test_a_case_is_counted_as_it_says(case: Case, in_duckdb: Models) -> None:
    answer, asked = solve(case, in_duckdb)
    assert answer in asked, case.says


@pytest.mark.slow
def test_postgres_says_the_same(in_postgres: Models) -> None:
    wrong = []
    for case in exports.load_cases():
        answer, asked = solve(case, in_postgres)
        if answer not in asked:
            wrong.append((case.id, answer, asked))
    assert wrong == []


LEAVERS = """
payments:
- {user: lost, date: '2026-02-05 10:00:00', amount: 9700, invoice: in_l, id: pi_lost, sub: sub_lost}
- {user: won, date: '2026-02-05 10:00:00', amount: 9700, invoice: in_w, id: pi_won, sub: sub_won}
- {user: failed, date: '2026-02-05 10:00:00', amount: 9700, invoice: in_f, id: pi_f, sub: sub_f}
- {user: bored, date: '2026-02-05 10:00:00', amount: 9700, invoice: in_b, id: pi_b, sub: sub_b}
subscriptions:
- {user: lost, sub: sub_lost, status: canceled}
- {user: won, sub: sub_won, status: canceled}
- {user: failed, sub: sub_f, status: canceled}
- {user: bored, sub: sub_b, status: canceled}
files:
- name: itemized.csv
  text: |
    balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id
    txn_1,2026-02-20 10:00:00,usd,-97.00,15.00,-112.00,dispute,du_{case}.1,pi_{case}.lost
    txn_2,2026-02-20 10:00:00,usd,-97.00,15.00,-112.00,dispute,du_{case}.2,pi_{case}.won
    txn_3,2026-04-20 10:00:00,usd,97.00,0.00,97.00,dispute_reversal,du_{case}.2,pi_{case}.won
- name: payments.csv
  text: |
    id,Created date (UTC),Amount,Amount Refunded,Currency,Status,Customer ID
    ch_{case}.f,2026-03-05 10:00:00,97.00,0.00,usd,Failed,cus_{case}.failed
"""


def test_who_leaves_after_a_dispute_or_a_failed_payment_does_so_involuntarily(
    in_duckdb: Models,
) -> None:
    """METRICS §3: first, a chargeback that ended the coverage; a dispute won ends nothing."""
    content = yaml.safe_load(LEAVERS)
    case = Case("leavers", "churn", "", AS_OF, {}, None, content, {})
    read, _ = exports.read_all(exports.contents(case))
    exports.fill(in_duckdb.connection, read)
    marts = in_duckdb.build(rows_of([case]), Surroundings(AS_OF), ("churn_by_member",))
    assert {
        row["customer_key"].removeprefix("leavers."): (
            f"{row['churned_on']:%m-%d}",
            row["kind"],
            row["is_after_chargeback"],
        )
        for row in marts["churn_by_member"]
    } == {
        "lost": ("02-20", "involuntary", True),
        "won": ("03-05", "voluntary", False),
        "failed": ("03-05", "involuntary", False),
        "bored": ("03-05", "voluntary", False),
    }
