"""The sums of credits, engagement, quality and growth."""

from tests.support.drill_downs.cohort_sums import ACTIVITY_CELLS, LIFECYCLE, PEOPLE
from tests.support.drill_downs.sums import BRACKETS, ON, ON_OR_AFTER, Sums

USE: dict[str, list[Sums]] = {
    "retention/activity_cohorts": [
        Sums(ACTIVITY_CELLS.format(segment="'all'", grain="month", spans=ON)),
        Sums(
            ACTIVITY_CELLS.format(segment="'all'", grain="week", spans=ON_OR_AFTER),
            {"mode": "on_or_after", "grain": "week", "start": "first_payment", "return": "image"},
            {
                "retention/activity_cohort_members": {
                    "grain": "week",
                    "start": "first_payment",
                    "return": "image",
                }
            },
        ),
        Sums(
            ACTIVITY_CELLS.format(
                segment="acquisition",
                grain="month",
                spans=BRACKETS,
            ),
            {"mode": "bracket", "breakdown": "acquisition"},
        ),
    ],
    "credits/credit_flow_by_month": [
        Sums("""
            with moved as (
                select
                    month, sum(credits) as change_credits,
                    sum(credits) filter (kind = 'purchased') as purchased_credits,
                    sum(credits) filter (kind = 'granted') as granted_credits,
                    sum(credits) filter (kind = 'bonus') as bonus_credits,
                    sum(credits) filter (kind = 'adjusted') as adjusted_credits,
                    -sum(credits) filter (kind = 'used') as used_credits,
                    -sum(credits) filter (kind = 'expired') as expired_credits
                from marts.dim_months left join credit_entries using (month) group by all
            )
            select
                moved.* exclude (change_credits),
                sum(change_credits) over (order by month) as closing_credits,
                closing_credits - coalesce(change_credits, 0) as opening_credits,
                (
                    select count(distinct user_id) from credit_entries as entry
                    where entry.month = moved.month
                ) as user_count,
                (
                    select count(*) from (
                        select user_id from credit_entries as entry
                        where entry.month < moved.month
                        group by user_id having sum(credits) <> 0
                    )
                ) as opening_user_count
            from moved
        """)
    ],
    "credits/usage_by_feature": [
        Sums("""
            select
                month, feature, -sum(credits) as used_credits, sum(cost_cents) as cost_cents,
                count(distinct user_id) as user_count, count(*) as event_count
            from credit_entries where kind = 'used' group by all
        """)
    ],
    "credits/ledger_gaps": [
        Sums(
            "select user_id, sum(credits) as ledger_balance from credit_entries group by all",
            stored=frozenset({"balance", "gap_credits"}),
        )
    ],
    "credits/runway": [
        Sums(
            """
            with days as (
                select user_id, transacted_on, -sum(credits) as used
                from credit_entries where kind = 'used' group by all having used > 0
            ),
            recent as (
                select * from days
                qualify row_number() over (partition by user_id order by transacted_on desc) <= 30
            )
            select user_id, avg(used) as daily_use from recent
            -- Who has no stored balance has no runway.
            semi join marts.runway using (user_id) group by all
            """,
            stored=frozenset({"balance", "runway_days"}),
        )
    ],
    "credits/liability": [
        Sums("""
            select
                currency, sum(outstanding_credits) as paid_credits_outstanding,
                sum(outstanding_credits) filter (price_cents is null)
                    as unpriced_credits_outstanding,
                sum(outstanding_cents) as liability_cents,
                any_value(rate) as breakage_rate,
                round(sum(case
                    when rate < 1
                        then least(outstanding_credits, used_credits * rate / (1 - rate))
                    when rate = 1 then outstanding_credits
                end * price_cents / credits)) as breakage_proportional_cents,
                sum(outstanding_cents) filter (is_idle) as breakage_remote_cents,
                count(distinct user_id) filter (outstanding_credits <> 0) as user_count,
                count(distinct user_id) filter (is_old and not is_given_back) as old_user_count
            from credit_lots
            left join (
                select
                    currency,
                    sum(outstanding_credits) filter (is_idle) / sum(credits) as rate
                from credit_lots where is_old and not is_given_back group by all
            ) using (currency)
            group by all
        """)
    ],
    "engagement/active_users": [
        Sums(
            LIFECYCLE.format(grain=grain),
            {"grain": grain},
            {"engagement/activity_by_user": {"grain": grain}},
        )
        for grain in ("month", "week")
    ],
    "engagement/stickiness": [
        Sums(
            """
            select
                day, count(distinct user_id) filter (period = day) as dau,
                count(distinct user_id) filter (period > day - 7) as wau,
                count(distinct user_id) as mau, dau / nullif(mau, 0) as stickiness
            from (select distinct user_id, period from activity_by_user)
            inner join (
                select cast(unnest(generate_series(
                    (select min(period) from activity_by_user), as_of_on, interval 1 day
                )) as date) as day
                from marts.build_info
            ) on period between day - 29 and day
            group by all
            """,
            parts={"engagement/activity_by_user": {"grain": "day"}},
        )
    ],
    "engagement/power_curve": [
        Sums(
            """
            with days as (
                select user_id, count(distinct period) as active_days
                from activity_by_user, marts.build_info
                where period >= complete_until_on - 28 and period < complete_until_on
                group by all
            )
            select
                k as active_days, count(user_id) as user_count,
                sum(count(user_id)) over () as active_count,
                count(user_id) / sum(count(user_id)) over () as share
            from range(1, 29) as numbers (k) left join days on active_days = k group by all
            """,
            parts={"engagement/activity_by_user": {"grain": "day"}},
        )
    ],
    "engagement/feature_adoption": [
        Sums("""
            with active as (
                select period, count(distinct user_id) as active_count
                from activity_by_user group by all
            )
            select
                active.period as month, features.feature, active_count,
                count(used.user_id) as user_count, sum(used.event_count) as event_count,
                count(used.user_id) / active_count as adoption_rate
            from active
            cross join (select distinct feature from activity_by_user) as features
            left join activity_by_user as used
                on active.period = used.period and features.feature = used.feature
            group by active.period, features.feature, active_count
        """)
    ],
    "engagement/activation_funnel": [
        Sums(
            f"""
            with reached as (
                select
                    *, date_diff('microsecond', signed_up_at, case step
                        when 'trained' then first_trained_at when 'first_image' then first_image_at
                        when 'first_payment' then first_payment_at
                        when 'member' then first_subscription_at
                    end) / 86400000000 as since_signup,
                    if(since_signup < 0, 0, since_signup) as days,
                    step = 'signup' or (step = 'onboarded' and is_onboarded) as without_time
                from first_steps, marts.build_info, (select unnest([
                    'signup', 'onboarded', 'trained', 'first_image', 'first_payment', 'member'
                ]) as step)
                where cast(cohort_period + interval 1 month as date) + {days} <= complete_until_on
            )
            select
                cohort_period, step, count(*) as cohort_size,
                count_if(without_time or days <= {days}) as user_count,
                user_count / cohort_size as rate,
                median(days) filter (days <= {days}) as median_days
            from reached group by all
            """,
            {"within_days": str(days)},
        )
        for days in (30, 7)
    ],
    "engagement/feed_planner_by_month": [
        Sums("""
            select
                month, count(*) as layout_count, count_if(status = 'published') as published_count,
                count(distinct user_id) as user_count, sum(post_count) as post_count,
                sum(completed_post_count) as completed_post_count,
                sum(completed_post_count) / nullif(sum(post_count), 0) as completed_post_rate
            from feeds group by all
        """)
    ],
    "engagement/generation_success": [
        Sums("""
            select
                month, kind, count(*) as requested_count,
                count_if(status = 'completed') as completed_count,
                count_if(status = 'failed') as failed_count, count(distinct user_id) as user_count,
                completed_count / nullif(completed_count + failed_count, 0) as success_rate
            from generations group by all
        """)
    ],
    "engagement/training_by_month": [
        Sums(
            """
            select
                month, count(*) as requested_count,
                count_if(status = 'completed') as completed_count,
                count_if(status = 'failed') as failed_count, count(distinct user_id) as user_count,
                completed_count / nullif(completed_count + failed_count, 0) as success_rate,
                median(minutes) as median_minutes
            from generations group by all
            """,
            parts={"engagement/generations": {"kind": "training"}},
        )
    ],
    "engagement/maya_by_month": [
        Sums("""
            select
                month, chat_type, count(*) as chat_count, sum(message_count) as message_count,
                count(distinct user_id) as user_count,
                sum(message_count) / count(*) as messages_per_chat
            from chats_by_month group by all
        """)
    ],
    "academy/academy_by_course": [
        Sums("""
            with people as (
                select
                    course_id, user_id, bool_or(is_started) as is_started,
                    min(finished_at) as finished_at,
                    date_diff('microsecond', min(enrolled_at), min(finished_at)) / 86400e6 as days
                from academy_enrollments group by all
            )
            select
                cast(course_id as varchar) as course_id, count(*) as enrolled_count,
                count_if(is_started) as started_count, count(finished_at) as completed_count,
                completed_count / enrolled_count as completion_rate,
                median(days) as median_days_to_complete
            from people group by all
        """)
    ],
    "email/email_by_type": [
        Sums("""
            select
                email_type, count(*) as send_count,
                count_if(status = 'delivered') as delivered_count,
                count_if(status = 'bounced') as bounced_count,
                count_if(status = 'failed') as failed_count,
                count(distinct user_id) as recipient_count,
                count(distinct user_id) filter (status in ('sent', 'delivered')) as reached_count,
                count(distinct user_id) filter (
                    status in ('sent', 'delivered') and is_before_payment
                ) as unpaid_recipient_count,
                count_if(is_last_touch) as first_payment_count,
                first_payment_count / nullif(unpaid_recipient_count, 0) as first_payment_rate,
                median(days_to_payment) as median_days_to_payment
            from emails_sent group by all
        """)
    ],
    "quality/dropped_rows": [
        Sums("""
            select
                reason, source_table, currency, count(*) as row_count,
                sum(amount_cents) as amount_cents, count(distinct customer_key) as customer_count
            from dropped_row_list group by all
        """)
    ],
    "quality/unlisted_products": [
        Sums("""
            select
                product_type, currency, reason, count(distinct customer_key) as customer_count,
                count(distinct customer_key) filter (is_covering) as member_count,
                sum(amount_cents) as amount_cents
            from unlisted_payments group by all
        """)
    ],
    "growth/margin_by_month": [
        Sums("""
            with received as (
                select
                    month, currency, count_if(kind = 'payment') as payment_count,
                    sum(gross_cents - refunded_cents - chargeback_cents) as net_cents,
                    count(distinct customer_key) filter (kind = 'payment') as payer_count,
                    case when payer_count = 0 then count(distinct customer_key) end
                        as given_back_count
                from payments group by all
            ),
            paid as (
                select customer_key, moved_on, max(currency) as currency
                from payments where kind = 'payment' group by all
            ),
            spent as (
                select
                    entry.month,
                    coalesce(
                        (
                            select arg_max(paid.currency, paid.moved_on) from paid
                            where customer_key = user_id and moved_on <= transacted_on
                        ),
                        (
                            select arg_min(paid.currency, paid.moved_on) from paid
                            where customer_key = user_id
                        )
                    ) as currency,
                    -entry.credits as credits, entry.cost_cents, entry.user_id
                from credit_entries as entry where kind = 'used'
            ),
            costs as (
                select
                    month, currency, sum(credits) as used_credits, sum(cost_cents) as cents,
                    count(distinct user_id) as user_count
                from spent where currency is not null group by all
            )
            select
                month, currency, payment_count, coalesce(net_cents, 0) as net_cents,
                coalesce(payer_count, 0) as payer_count,
                case when coalesce(payer_count, 0) = 0 then coalesce(given_back_count, 0) end
                    as given_back_count,
                coalesce(user_count, 0) as user_count,
                coalesce(used_credits, 0) as used_credits,
                case when currency = 'usd' then coalesce(cents, 0) end as cost_cents,
                coalesce(net_cents, 0) - cost_cents as margin_cents,
                case when net_cents > 0 then margin_cents / net_cents end as margin_rate
            from received full join costs using (month, currency)
            where month >= (select min(month) from payments)
        """)
    ],
    "forecast/churn_risk_total": [
        Sums("""
            select count(risk) as member_count, sum(risk) as expected_loss_count from churn_risk
        """)
    ],
    "forecast/churn_risk_by_band": [
        Sums("""
            select
                case
                    when paid_until_on > as_of_on + 31 then 'nothing due'
                    when risk is null then 'not told'
                    when risk < 0.05 then 'under 5 %'
                    when risk < 0.1 then '5 to 10 %'
                    when risk < 0.2 then '10 to 20 %'
                    when risk < 0.4 then '20 to 40 %'
                    else '40 % or more'
                end as band,
                count(*) as member_count, count_if(is_cancelling) as cancelling_count,
                sum(risk) as expected_loss_count, any_value(n) as n
            from churn_risk, marts.build_info group by all
        """)
    ],
    "growth/segment_sizes": [
        Sums(f"""
            select
                segment, reason, count(*) as person_count, count_if(is_cooling) as cooling_count,
                count_if(not is_cooling) as ready_count
            from ({PEOPLE}) group by all
        """)
    ],
    "growth/segment_overlaps": [
        Sums(f"""
            with people as ({PEOPLE})
            select
                one.segment, other.segment as other_segment,
                count(distinct customer_key) as person_count
            from people as one inner join people as other using (customer_key)
            where one.segment < other.segment group by all
        """)
    ],
}
