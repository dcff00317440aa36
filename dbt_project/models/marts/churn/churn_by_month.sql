-- One row per month: members at its opening, who came, who left and how, and members at its close.
with months as (

    select * from {{ ref('dim_months') }}

),

changes as (

    select * from {{ ref('int_mrr_changes') }}

),

churned as (

    select
        month,
        count(*) as churned_member_count,
        sum(case when kind = 'voluntary' then 1 else 0 end) as voluntary_count,
        sum(case when kind = 'involuntary' then 1 else 0 end) as involuntary_count,
        sum(case when is_after_chargeback then 1 else 0 end) as after_chargeback_count,
        sum(case when kind = 'unknown' then 1 else 0 end) as unknown_count,
        sum(case when is_in_grace then 1 else 0 end) as in_grace_count
    from {{ ref('int_churn_events') }}
    group by month

),

-- A customer who joins in two currencies at one instant joins once.
joined as (

    select
        month,
        sum(case when movement = 'new' then 1 else 0 end) as new_member_count,
        sum(case when movement = 'reactivation' then 1 else 0 end) as reactivated_count
    from (
        select distinct month, customer_key, changed_at, movement from changes
        where movement in ('new', 'reactivation')
    ) as joins
    group by month

),

members as (

    select distinct month, customer_key from {{ ref('int_member_months') }}

),

opening_churned as (

    select
        months.month,
        count(*) as opening_churned_count
    from months
    inner join members as opening on months.month = {{ add_periods('opening.month', '1', 'month') }}
    left join members as closing on months.month = closing.month and opening.customer_key = closing.customer_key
    where closing.customer_key is null
    group by months.month

),

counted as (

    select
        months.month,
        months.is_complete,
        cast(coalesce(joined.new_member_count, 0) as bigint) as new_member_count,
        cast(coalesce(joined.reactivated_count, 0) as bigint) as reactivated_count,
        cast(coalesce(churned.churned_member_count, 0) as bigint) as churned_member_count,
        cast(coalesce(opening_churned.opening_churned_count, 0) as bigint) as opening_churned_count,
        cast(coalesce(churned.voluntary_count, 0) as bigint) as voluntary_count,
        cast(coalesce(churned.involuntary_count, 0) as bigint) as involuntary_count,
        cast(coalesce(churned.after_chargeback_count, 0) as bigint) as after_chargeback_count,
        cast(coalesce(churned.unknown_count, 0) as bigint) as unknown_count,
        cast(coalesce(churned.in_grace_count, 0) as bigint) as in_grace_count
    from months
    left join joined on months.month = joined.month
    left join churned on months.month = churned.month
    left join opening_churned on months.month = opening_churned.month
    where months.month >= (select min(month) from changes)

),

balanced as (

    select
        counted.*,
        cast(
            sum(new_member_count + reactivated_count - churned_member_count) over (order by month nulls last) as bigint
        ) as closing_member_count
    from counted

),

final as (

    select
        month,
        closing_member_count - new_member_count - reactivated_count + churned_member_count as opening_member_count,
        new_member_count,
        reactivated_count,
        churned_member_count,
        opening_churned_count,
        voluntary_count,
        involuntary_count,
        after_chargeback_count,
        unknown_count,
        in_grace_count,
        closing_member_count,
        {{ ratio('opening_churned_count', 'closing_member_count - new_member_count - reactivated_count + churned_member_count') }} as logo_churn_rate,
        is_complete
    from balanced

)

select * from final
