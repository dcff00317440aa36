"""Where the database and Stripe's exports differ, and what that does to the numbers."""

import duckdb

from sselfie_insights.money import write_money

_RECONCILED = """
select
    case
        when kind <> 'duplicate' then kind when database_cents = 0 then 'charge' else 'payment'
    end as difference,
    currency, sum(row_count)::bigint as row_count,
    sum(if(kind = 'month_differs', database_cents, greatest(database_cents, stripe_cents)))::bigint
        as larger_cents,
    sum(difference_cents)::bigint as difference_cents
from marts.stripe_reconciliation_rows where kind <> 'matched'
group by all order by all
"""
_FOUND = """
select finding, currency, count(*), sum(amount_cents)::bigint, 0::bigint
from marts.stripe_findings group by all order by all
"""

_SENTENCES = {
    "only_stripe": "Stripe has charges that the database lacks, as after a missed webhook: {sizes}"
    "revenue is too low by them.",
    "only_database": "The database has payments that Stripe has no charge for: {sizes}"
    "they count, and revenue is too high by those that were not paid elsewhere.",
    "amount_differs": "Payments and their charges differ in amount: {sizes}"
    "revenue is the database's.",
    "month_differs": "Payments and their charges are in different months: {sizes}"
    "they count in the database's.",
    "payment": "Payments are a second record of a charge that another payment is: {sizes}"
    "revenue is too high by them.",
    "charge": "Payments were charged a second time: {sizes}the second charge does not count.",
    "charge not in the database": "Stripe gave back charges that the database lacks: {sizes}"
    "neither is counted.",
    "other currency": "Stripe gave back in another currency than the payment's: {sizes}"
    "it is not counted; download the report again with the columns customer_facing_amount and"
    " customer_facing_currency.",
    "wrong sign": "Stripe's exports have refunds or disputes with the wrong sign: {sizes}"
    "they are not counted.",
    "only in the database": "Refunds or chargebacks of days that Stripe's exports cover are in the"
    " database only: {sizes}they count.",
}


def describe_differences(
    connection: duckdb.DuckDBPyConnection, *, with_sizes: bool = False
) -> list[str]:
    """Return a sentence for each kind of difference that there is.

    Args:
        connection: An open warehouse.
        with_sizes: Add how many and how much; not for pages, which describe no group as small as
            these can be.
    """
    try:
        rows = [
            *connection.execute(_RECONCILED).fetchall(),
            *connection.execute(_FOUND).fetchall(),
        ]
    except duckdb.CatalogException:  # the marts are of an earlier version
        return []
    sentences = []
    for kind, sentence in _SENTENCES.items():
        found = [row[1:] for row in rows if row[0] == kind]
        if found:
            sizes = f"{', '.join(_write_size(kind, *row) for row in found)}; " if with_sizes else ""
            sentences.append(sentence.format(sizes=sizes))
    return sentences


def _write_size(kind: str, currency: str, count: int, larger: int, difference: int) -> str:
    cents = difference if kind == "amount_differs" else larger
    sign = "+" if kind == "amount_differs" and cents > 0 else ""
    return f"{count} of {sign}{write_money(cents, currency)}"
