-- One row per customer, currency and instant up to as_of at which MRR or billed MRR changes.
with build as (

    select * from {{ ref('core_build') }}

),

coverage as (

    select * from {{ ref('int_coverage') }}

),

edges as (

    {% for instant, sign in [('covered_from_at', ''), ('covered_until_at', '-')] %}
    select
        customer_key,
        currency,
        {{ instant }} as changed_at,
        {{ sign }}mrr_cents as mrr_cents,
        0 as billed_mrr_cents
    from coverage

    union all

    select
        customer_key,
        billed_currency as currency,
        {{ instant }} as changed_at,
        0 as mrr_cents,
        {{ sign }}billed_mrr_cents as billed_mrr_cents
    from coverage
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

changes as (

    select
        edges.customer_key,
        edges.currency,
        edges.changed_at,
        sum(edges.mrr_cents) as change_cents,
        sum(edges.billed_mrr_cents) as billed_change_cents
    from edges
    cross join build
    where edges.changed_at <= build.as_of
    group by edges.customer_key, edges.currency, edges.changed_at
    having sum(edges.mrr_cents) <> 0 or sum(edges.billed_mrr_cents) <> 0

),

-- How long after an end a late renewal would still take it back.
ends as (

    select
        customer_key,
        covered_until_at,
        max(grace_hours) as grace_hours
    from coverage
    group by customer_key, covered_until_at

),

running as (

    select
        changes.*,
        sum(change_cents) over (partition by customer_key, currency order by changed_at nulls last) as mrr_cents,
        sum(billed_change_cents) over (partition by customer_key, currency order by changed_at nulls last) as billed_mrr_cents,
        lead(changed_at) over (partition by customer_key, currency order by changed_at nulls last) as next_changed_at,
        -- All currencies of the customer together: whether anything covered just before and after.
        sum(change_cents) over (partition by customer_key order by changed_at nulls last) as total_after_cents,
        sum(change_cents) over (
            partition by customer_key order by changed_at nulls last
            range between unbounded preceding and interval '1 microsecond' preceding
        ) as total_before_cents,
        min(case when change_cents > 0 then changed_at end) over (partition by customer_key) as member_since_at,
        max(changed_at) over (partition by customer_key) as last_changed_at
    from changes

),

final as (

    select
        running.customer_key,
        running.currency,
        running.changed_at,
        running.next_changed_at,
        {{ local_month('running.changed_at') }} as month,
        case
            when running.change_cents > 0 and coalesce(running.total_before_cents, 0) > 0 then 'expansion'
            when running.change_cents > 0 and running.changed_at = running.member_since_at then 'new'
            when running.change_cents > 0 then 'reactivation'
            when running.change_cents < 0 and running.total_after_cents > 0 then 'contraction'
            when running.change_cents < 0 then 'churn'
        end as movement,
        case
            when running.billed_change_cents > 0 and coalesce(running.total_before_cents, 0) > 0 then 'expansion'
            when running.billed_change_cents > 0 and running.changed_at = running.member_since_at then 'new'
            when running.billed_change_cents > 0 then 'reactivation'
            when running.billed_change_cents < 0 and running.total_after_cents > 0 then 'contraction'
            when running.billed_change_cents < 0 then 'churn'
        end as billed_movement,
        cast(running.change_cents as bigint) as change_cents,
        cast(running.billed_change_cents as bigint) as billed_change_cents,
        cast(running.mrr_cents as bigint) as mrr_cents,
        cast(running.billed_mrr_cents as bigint) as billed_mrr_cents,
        cast(running.mrr_cents - running.change_cents as bigint) as previous_mrr_cents,
        running.member_since_at,
        -- A lapse so recent that a late renewal would still take it back.
        running.change_cents < 0
        and running.total_after_cents = 0
        and running.changed_at = running.last_changed_at
        and running.changed_at > {{ hours_later('build.as_of', '-coalesce(ends.grace_hours, 0)') }} as is_in_grace
    from running
    cross join build
    left join ends on running.customer_key = ends.customer_key and running.changed_at = ends.covered_until_at

)

select * from final
