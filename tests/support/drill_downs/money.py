"""The sums of revenue, churn and the cohorts of subscribers."""

from tests.support.drill_downs.sums import BRACKETS, ON, ON_OR_AFTER, RETENTION, Sums

_MONTHS = "(select month, next_month from marts.dim_months)"
_BEGUN = "began_on >= month and began_on < next_month"
_LEFT = "coalesce(ended_on, date '9999-12-31')"

_COHORT_CELLS = f"""
    with sizes as (
        select
            {{segment}} as segment, cast(date_trunc('month', began_on) as date) as cohort_period,
            count(*) as cohort_size
        from memberships where is_first group by all
    ),
    offsets as (
        select unnest(range(
            date_diff('month', (select min(cohort_period) from sizes), max(month)) + 1
        )) as k
        from marts.dim_months
    ),
    spans as ({{spans}}),
    kept as (
        select
            {{segment}} as segment, cohort_period, low, high,
            count(distinct customer_key) as retained_count
        from cohort_members inner join spans on period_index between low and high group by all
    ),
    cells as (
        select
            segment, cohort_period, low, cohort_size, is_bracket,
            coalesce(retained_count, 0) as retained_count,
            concat_ws('-', low, nullif(last, low)) as label,
            cohort_period + (last + 1) * interval 1 month <= complete_until_on as has_ended
        from sizes cross join spans cross join marts.build_info
        left join kept using (segment, cohort_period, low, high)
        where cohort_period + low * interval 1 month <= (select max(month) from marts.dim_months)
    )
    {RETENTION}
"""

_REVENUE = """
    sum(gross_cents) as gross_cents, sum(refunded_cents) as refunded_cents,
    sum(chargeback_cents) as chargeback_cents,
    sum(gross_cents - refunded_cents - chargeback_cents) as net_cents,
    count_if(kind = 'payment') as payment_count
"""

_PAYERS = """
    count(distinct customer_key) filter (kind = 'payment') as payer_count,
    case when payer_count = 0 then count(distinct customer_key) end as given_back_count
"""

MONEY: dict[str, list[Sums]] = {
    "revenue/revenue_by_month": [
        Sums(f"""
            select
                month, currency, product_type, {_REVENUE},
                count_if(kind = 'refund') as refund_count,
                count_if(kind = 'chargeback') as chargeback_count,
                {_PAYERS}
            from payments group by all
        """)
    ],
    "revenue/revenue_totals": [
        Sums(f"""
            select
                month, currency, {_REVENUE}, {_PAYERS},
                sum(refunded_cents) / nullif(sum(gross_cents), 0) as refund_rate
            from payments group by all
        """)
    ],
    "revenue/refund_rates": [
        Sums(f"""
            select
                month, currency,
                sum(gross_cents) as gross_cents,
                sum(refunded_cents) as refunded_cents,
                sum(chargeback_cents) as chargeback_cents,
                sum(refunded_cents) / nullif(sum(gross_cents), 0) as refund_rate,
                sum(chargeback_cents) / nullif(sum(gross_cents), 0) as chargeback_rate,
                sum(back.refunded) as refunded_of_month_cents,
                sum(back.charged_back) as chargeback_of_month_cents,
                sum(back.refunded) / nullif(sum(gross_cents), 0) as refund_rate_of_month,
                sum(back.charged_back) / nullif(sum(gross_cents), 0) as chargeback_rate_of_month,
                count_if(kind = 'payment') as payment_count, {_PAYERS}
            from payments
            left join (
                select
                    one.movement_key, sum(other.refunded_cents) as refunded,
                    sum(other.chargeback_cents) as charged_back
                from payments as one
                join payments as other using (payment_key)
                where one.kind = 'payment' and other.kind <> 'payment'
                group by all
            ) as back using (movement_key)
            group by all
        """)
    ],
    "revenue/payers_by_month": [
        Sums(f"""
            select
                month, currency,
                sum(gross_cents - refunded_cents - chargeback_cents) as net_cents,
                {_PAYERS},
                round(net_cents / nullif(payer_count, 0)) as arppu_cents
            from payments group by all
        """)
    ],
    "revenue/mrr_movements": [
        Sums("""
            with moved as (
                select
                    month, currency,
                    sum(movement_mrr_cents) filter (movement = 'new') as new_mrr_cents,
                    sum(movement_mrr_cents) filter (movement = 'reactivation')
                        as reactivation_mrr_cents,
                    sum(movement_mrr_cents) filter (movement = 'expansion') as expansion_mrr_cents,
                    sum(movement_mrr_cents) filter (movement = 'contraction')
                        as contraction_mrr_cents,
                    sum(movement_mrr_cents) filter (movement = 'churn') as churn_mrr_cents,
                    sum(in_grace_mrr_cents) as in_grace_mrr_cents
                from mrr_by_member group by all
            ),
            held as (
                select
                    month, currency, sum(mrr_cents) as closing_mrr_cents,
                    sum(billed_mrr_cents) as billed_mrr_cents, count(*) as member_count,
                    12 * closing_mrr_cents as arr_cents,
                    round(closing_mrr_cents / member_count) as arpa_cents
                from cohort_members group by all
            ),
            opened as (
                select
                    next_month as month, currency, closing_mrr_cents as opening_mrr_cents,
                    member_count as opening_member_count
                from held inner join marts.dim_months using (month)
            )
            select * from moved full join held using (month, currency)
            full join opened using (month, currency)
            left join (
                select month, currency, sum(committed_mrr_cents) as committed_mrr_cents
                from mrr_by_plan group by all
            ) as committed using (month, currency)
            where month in (select month from marts.dim_months)
        """)
    ],
    "revenue/billed_mrr_movements": [
        Sums("""
            with moved as (
                select
                    month, currency,
                    sum(movement_mrr_cents) filter (movement = 'new') as new_mrr_cents,
                    sum(movement_mrr_cents) filter (movement = 'reactivation')
                        as reactivation_mrr_cents,
                    sum(movement_mrr_cents) filter (movement = 'expansion') as expansion_mrr_cents,
                    sum(movement_mrr_cents) filter (movement = 'contraction')
                        as contraction_mrr_cents,
                    sum(movement_mrr_cents) filter (movement = 'churn') as churn_mrr_cents,
                    sum(in_grace_mrr_cents) as in_grace_mrr_cents
                from billed_mrr_by_member group by all
            ),
            held as (
                select
                    month, currency, sum(billed_mrr_cents) as closing_mrr_cents,
                    count_if(billed_mrr_cents > 0) as member_count
                from cohort_members group by all
            ),
            opened as (
                select
                    next_month as month, currency, closing_mrr_cents as opening_mrr_cents,
                    member_count as opening_member_count
                from held inner join marts.dim_months using (month)
            )
            select * from moved full join held using (month, currency)
            full join opened using (month, currency)
            where month in (select month from marts.dim_months)
        """)
    ],
    "revenue/mrr_by_product": [
        Sums("""
            select
                month as period, currency, product_type, sum(mrr_cents) as mrr_cents,
                count(distinct customer_key) as member_count
            from mrr_by_plan group by all
        """)
    ],
    "churn/churn_by_plan": [
        Sums(
            f"""
            with held as (
                select month, next_month, customer_key, currency, {plan} as plan,
                    sum(mrr_cents) as mrr_cents
                from mrr_by_plan inner join marts.dim_months using (month) group by all
            ),
            closing as (
                select
                    month, currency, plan, count(*) as member_count, sum(mrr_cents) as mrr_cents,
                    round(sum(mrr_cents) / count(*)) as arpa_cents
                from held group by all
            ),
            opening as (
                select
                    next_month as month, currency, plan, count(*) as opening_member_count,
                    count_if(not exists (
                        from mrr_by_plan as stays
                        where stays.month = held.next_month
                        and stays.customer_key = held.customer_key
                    )) as opening_churned_count,
                    opening_churned_count / opening_member_count as logo_churn_rate
                from held group by all
            )
            select * from closing full join opening using (month, currency, plan)
            where month in (select month from marts.dim_months)
            """,
            given={"breakdown": breakdown},
        )
        for breakdown, plan in (("product", "product_type"), ("rhythm", "rhythm"))
    ],
    "revenue/product_ladder": [
        Sums("""
            select
                from_product, to_product, count(*) as from_customer_count,
                count(to_on) as customer_count, count(to_on) / count(*) as rate,
                median(days) as median_days
            from ladder_by_customer group by all
        """)
    ],
    "churn/churn_by_month": [
        Sums(f"""
            with present as (
                select
                    month, customer_key,
                    bool_or(began_on < month and {_LEFT} >= month) as at_opening,
                    bool_or(began_on < next_month and {_LEFT} >= next_month) as at_close,
                    count_if(is_first and {_BEGUN}) as joins,
                    count_if(not is_first and {_BEGUN}) as returns
                from memberships cross join {_MONTHS} group by all
            ),
            lost as (
                select
                    month, count(*) as churned_member_count,
                    count_if(kind = 'voluntary') as voluntary_count,
                    count_if(kind = 'involuntary') as involuntary_count,
                    count_if(is_after_chargeback) as after_chargeback_count,
                    count_if(kind = 'unknown') as unknown_count,
                    count_if(is_in_grace) as in_grace_count
                from churn_by_member group by all
            ),
            counted as (
                select
                    month, count_if(at_opening) as opening_member_count,
                    sum(joins) as new_member_count, sum(returns) as reactivated_count,
                    count_if(at_opening and not at_close) as opening_churned_count,
                    count_if(at_close) as closing_member_count
                from present group by all
            )
            select *, opening_churned_count / nullif(opening_member_count, 0) as logo_churn_rate
            from counted full join lost using (month)
        """)
    ],
    "churn/mrr_churn_by_month": [
        Sums("""
            with carried as (
                select
                    next_month as month, opening.currency,
                    sum(opening.mrr_cents) as opening_mrr_cents,
                    count(*) as opening_member_count,
                    sum(least(opening.mrr_cents, coalesce(closing.mrr_cents, 0))) as kept_cents,
                    sum(coalesce(closing.mrr_cents, 0)) as end_cents
                from cohort_members as opening
                inner join marts.dim_months using (month)
                left join cohort_members as closing
                    on closing.month = next_month and opening.customer_key = closing.customer_key
                        and opening.currency = closing.currency
                group by all
            ),
            moved as (
                select
                    month, currency,
                    coalesce(sum(movement_mrr_cents) filter (movement = 'reactivation'), 0) as back,
                    sum(movement_mrr_cents)
                        filter (movement in ('new', 'expansion', 'reactivation')) as gained,
                    sum(movement_mrr_cents) filter (movement in ('contraction', 'churn')) as lost
                from mrr_by_member group by all
            )
            select
                month, currency, opening_mrr_cents, opening_member_count,
                kept_cents / opening_mrr_cents as grr, end_cents / opening_mrr_cents as nrr,
                1 - grr as gross_mrr_churn_rate, 1 - nrr as net_mrr_churn_rate,
                (end_cents + coalesce(back, 0)) / opening_mrr_cents as nrr_with_reactivation,
                coalesce(gained, 0) / lost as quick_ratio
            from carried full join moved using (month, currency)
            where month in (select month from marts.dim_months)
        """)
    ],
    "retention/subscriber_cohorts": [
        Sums(_COHORT_CELLS.format(segment="'all'", spans=ON)),
        Sums(
            _COHORT_CELLS.format(segment="acquisition", spans=ON_OR_AFTER),
            {"breakdown": "acquisition", "mode": "on_or_after"},
        ),
        Sums(
            _COHORT_CELLS.format(segment="product", spans=BRACKETS),
            {"breakdown": "product", "mode": "bracket"},
        ),
        Sums(_COHORT_CELLS.format(segment="product", spans=ON), {"breakdown": "product"}),
    ],
    "retention/revenue_cohorts": [
        Sums("""
            with joined as (
                select customer_key, min(month) as cohort_period
                from mrr_by_member where movement = 'new' group by all
            ),
            sizes as (
                select currency, cohort_period, count(distinct customer_key) as cohort_size
                from mrr_by_member inner join joined using (customer_key) group by all
            ),
            kept as (
                select cohort_period, currency, period_index, sum(mrr_cents) as mrr_cents
                from cohort_members group by all
            ),
            offsets as (
                select unnest(range(
                    date_diff('month', (select min(cohort_period) from sizes), max(month)) + 1
                )) as period_index
                from marts.dim_months
            ),
            cells as (
                select
                    *, cohort_period + (period_index + 1) * interval 1 month
                        <= complete_until_on as has_ended,
                    coalesce(mrr_cents, 0) as held,
                    first_value(held) over by_age as first_mrr_cents,
                    lag(held) over by_age as before
                from sizes cross join offsets cross join marts.build_info
                left join kept using (cohort_period, currency, period_index)
                where cohort_period + period_index * interval 1 month <= as_of_on
                window by_age as (partition by cohort_period, currency order by period_index)
            )
            select
                'all' as segment, cohort_period, currency, period_index, cohort_size,
                first_mrr_cents, held as mrr_cents,
                held / nullif(first_mrr_cents, 0) as revenue_retention_rate,
                held / nullif(before, 0) as previous_rate
            from cells
            union all by name
            select
                'all' as segment, null as cohort_period, currency, period_index,
                sum(cohort_size) as cohort_size, sum(first_mrr_cents) as first_mrr_cents,
                sum(held) as mrr_cents,
                sum(held) / nullif(sum(first_mrr_cents), 0) as revenue_retention_rate
            from cells where has_ended group by all
        """)
    ],
}
