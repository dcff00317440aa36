"""What the models make of worked cases and of generated lives, beside what they should."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from tests.support.billing import oracle
from tests.support.billing.cases import Case, Row, Rows, by_surroundings, load_cases
from tests.support.billing.lives import numbered
from tests.support.billing.models import Models, Surroundings
from tests.support.billing.oracle.prices import PRICES, prices_of

MONEY = {"gross": "gross_cents", "refunded": "refunded_cents", "chargeback": "chargeback_cents"}

MARTS = (
    *("mrr_by_member", "members_now", "payments", "dropped_row_list", "unlisted_payments"),
    *("dropped_rows", "dim_customers", "mrr_movements", "mrr_by_product"),
)

Found = Mapping[str, list[Row]]


def accounts() -> list[str]:
    """Return the accounts that the settings of any case name; each is of that case alone."""
    return [
        case.settings["internal_accounts"]
        for case in load_cases()
        if "internal_accounts" in case.settings
    ]


def surroundings(case: Case, zone: str | None = None) -> Surroundings:
    """Return what a build of ``case`` speaks for, in its own zone or another."""
    return Surroundings(
        case.as_of,
        zone or case.settings.get("timezone", "UTC"),
        case.settings.get("grace_days", 14),
        case.prices,
    )


def rows_of(cases: Sequence[Case]) -> Rows:
    """Return the rows of several cases, as one database holds them."""
    rows = Rows()
    for case in cases:
        rows.extend(case.rows())
    return numbered(rows)


def build_cases(models: Models, zone: str | None = None) -> dict[str, Found]:
    """Build every case, one database per instant, settings and price list; return all marts."""
    found: dict[str, Found] = {}
    for group in by_surroundings(load_cases()):
        marts = models.build(rows_of(group), surroundings(group[0], zone), MARTS)
        found |= dict.fromkeys((case.id for case in group), marts)
    return found


def ask_oracle(case: Case) -> Any:
    """Return what the oracle makes of a case."""
    return oracle.compute(
        case.rows(),
        case.as_of,
        zone=case.settings.get("timezone", "UTC"),
        grace_days=case.settings.get("grace_days", 14),
        prices=PRICES if case.prices is None else prices_of(case.prices),
        accounts=tuple(accounts()),
    )


def expected(case: Case) -> dict[str, Any]:
    """Return what a case says, in the form of `of_models` and `of_oracle`."""
    expect = case.expect
    people = dict(expect.get("customers", {}))
    if "moves" in expect or "closing" in expect:
        people["a"] = expect
    answer: dict[str, Any] = {
        "moves": {label: each["moves"] for label, each in people.items() if each.get("moves")},
        "closing": {
            label: closing
            for label, each in people.items()
            if (closing := _by_currency(each.get("closing", 0)))
        },
    }
    if "members" in expect:
        answer["members"] = expect["members"]
    for what, sums in (
        *((("month", month), sums) for month, sums in expect.get("money", {}).items()),
        *((("product", product), sums) for product, sums in expect.get("product", {}).items()),
        *([(("total", ""), expect["total"])] if "total" in expect else []),
    ):
        is_usd = not any(isinstance(value, dict) for value in sums.values())
        for currency, values in ({"usd": sums} if is_usd else sums).items():
            back = {"refunded": 0, "chargeback": 0} | values
            for name, cents in back.items():
                answer[f"{'.'.join(what)} {name} {currency}"] = cents
    for reason, count in expect.get("dropped", {}).items():
        answer[f"dropped {reason}"] = count
    for word in expect.get("warnings", ()):
        answer[f"warning {word}"] = True
    return answer


def of_models(case: Case, found: Found, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the models say of a case, as far as ``asked`` says something, too."""
    moves: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for label, row in _own(case, found["mrr_by_member"]):
        moves[label][f"{row['month']:%Y-%m}"][_move(row["movement"], row["currency"])] = row[
            "movement_mrr_cents"
        ]
    closing: dict[str, dict[str, int]] = defaultdict(dict)
    for label, row in _own(case, found["members_now"]):
        if row["state"] != "in_grace":
            closing[label][row["currency"]] = row["mrr_cents"]
    money: Counter[tuple[str, str, str, str]] = Counter()
    for _, row in _own(case, found["payments"]):
        for name, column in MONEY.items():
            _add(money, f"{row['month']:%Y-%m}", row["product_type"], name, row, row[column])
    dropped = Counter(
        f"dropped {row['reason']}"
        for _, row in _own(case, found["dropped_row_list"])
        if row["source_table"] == "stripe_payments"
    )
    unlisted = {row["product_type"] for _, row in _own(case, found["unlisted_payments"])}
    return _answer(moves, closing, money, dropped, unlisted, asked)


def of_oracle(case: Case, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the oracle says of a case, as far as ``asked`` says something, too."""
    said = ask_oracle(case)
    moves: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    closing: dict[str, dict[str, int]] = defaultdict(dict)
    zone = case.settings.get("timezone", "UTC")
    for customer, by_currency in said.changes.items():
        label = _label(case, customer)
        for currency, changes in by_currency.items():
            for at, before, after, kind in changes:
                month = oracle.month_of(at, oracle.ZoneInfo(zone))
                moves[label][month][_move(kind, currency)] += abs(after - before)
            if changes[-1][2]:
                closing[label][currency] = changes[-1][2]
    money: Counter[tuple[str, str, str, str]] = Counter()
    for (_, month, currency, product, kind), cents in said.money.items():
        name = "refunded" if kind == "refund" else kind
        _add(money, month, product, name, {"currency": currency}, cents)
    # What it drops is no part of its answer, but for what is given back beyond a payment.
    counted = {name: count for name, count in asked.items() if name.startswith("dropped ")}
    dropped = Counter(counted | ({"dropped over_refund": len(said.over)} if said.over else {}))
    unlisted = {product for _, _, _, product, _ in said.money} - said.listed
    return _answer(moves, closing, money, dropped, unlisted, asked)


def _answer(
    moves: Mapping[str, Mapping[str, Mapping[str, int]]],
    closing: Mapping[str, Mapping[str, int]],
    money: Counter[tuple[str, str, str, str]],
    dropped: Counter[str],
    unlisted: set[str],
    asked: Mapping[str, Any],
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "moves": {
            label: {month: dict(kinds) for month, kinds in months.items()}
            for label, months in moves.items()
        },
        "closing": {label: dict(by) for label, by in closing.items()},
    }
    for name in asked:
        what, _, rest = name.partition(" ")
        if name == "members":
            answer[name] = len(closing)
        elif what == "dropped":
            answer[name] = dropped[name]
        elif what == "warning":
            answer[name] = rest in unlisted or bool(dropped[f"dropped {rest}"])
        elif "." in what:
            kind, _, key = what.partition(".")
            column, _, currency = rest.partition(" ")
            answer[name] = money[kind, key, column, currency]
    return answer


def _add(
    money: Counter[tuple[str, str, str, str]],
    month: str,
    product: str,
    name: str,
    row: Mapping[str, Any],
    cents: int,
) -> None:
    for key in (("month", month), ("product", product), ("total", "")):
        money[(*key, name, row["currency"])] += cents
        money[(*key, "net", row["currency"])] += cents if name == "gross" else -cents


def _own(case: Case, rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a case's own people, each with its label."""
    for row in rows:
        key = str(row["customer_key"] or "")
        if key.startswith(f"{case.id}.") or (":" in key and f"{case.id}." in key):
            yield _label(case, key), row


def _label(case: Case, customer_key: str) -> str:
    return customer_key.rpartition(f"{case.id}.")[2]


def _move(movement: str, currency: str) -> str:
    return movement if currency == "usd" else f"{movement} {currency}"


def _by_currency(closing: int | Mapping[str, int]) -> dict[str, int]:
    by_currency = {"usd": closing} if isinstance(closing, int) else closing
    return {currency: cents for currency, cents in by_currency.items() if cents}


def differences(models: Models, rows: Rows, surroundings: Surroundings) -> list[str]:
    """Return the customers of whom the models and the oracle differ: MRR, grace or money."""
    found = models.build(rows, surroundings, ("int_mrr_changes", "payments"))
    said = oracle.compute(
        rows, surroundings.as_of, zone=surroundings.zone, grace_days=surroundings.grace_days
    )
    in_grace = {row["customer_key"] for row in found["int_mrr_changes"] if row["is_in_grace"]}
    apart = {f"{customer}: in grace" for customer in in_grace ^ said.in_grace}
    return sorted(apart | _moves_apart(found, said) | _money_apart(found, said))


def _moves_apart(found: Found, said: Any) -> set[str]:
    moved: dict[str, set[object]] = defaultdict(set)
    for row in found["int_mrr_changes"]:
        at, customer = row["changed_at"].replace(tzinfo=UTC), row["customer_key"]
        if row["movement"]:
            moved[customer] ^= {
                (row["currency"], at, row["previous_mrr_cents"], row["mrr_cents"], row["movement"])
            }
        if row["billed_movement"]:
            moved[customer] ^= {
                ("billed", row["currency"], at, row["billed_change_cents"], row["billed_movement"])
            }
    for customer, by_currency in said.changes.items():
        for currency, changes in by_currency.items():
            moved[customer] ^= {(currency, *change) for change in changes}
    for customer, by_currency in said.billed_changes.items():
        for currency, changes in by_currency.items():
            moved[customer] ^= {("billed", currency, *change) for change in changes}
    return {f"{customer}: {sorted(map(str, rest))}" for customer, rest in moved.items() if rest}


def _money_apart(found: Found, said: Any) -> set[str]:
    money: Counter[tuple[str, ...]] = Counter()
    for row in found["payments"]:
        for name, column in MONEY.items():
            kind = "refund" if name == "refunded" else name
            key = row["customer_key"], f"{row['month']:%Y-%m}", row["currency"]
            money[(*key, row["product_type"], kind)] += row[column]
    money.subtract(said.money)
    return {f"{key}: {cents} too much" for key, cents in money.items() if cents}
