-- One row per month: feeds that users laid out, and the posts that they had made for them.
with months as (

    select * from {{ ref('dim_months') }}

),

feeds as (

    select * from {{ ref('feeds') }}

),

counted as (

    select
        month,
        count(*) as layout_count,
        sum(case when status = 'published' then 1 else 0 end) as published_count,
        count(distinct user_id) as user_count,
        sum(post_count) as post_count,
        sum(completed_post_count) as completed_post_count
    from feeds
    group by month

),

final as (

    select
        months.month,
        cast(coalesce(counted.layout_count, 0) as bigint) as layout_count,
        cast(coalesce(counted.published_count, 0) as bigint) as published_count,
        cast(coalesce(counted.user_count, 0) as bigint) as user_count,
        cast(coalesce(counted.post_count, 0) as bigint) as post_count,
        cast(coalesce(counted.completed_post_count, 0) as bigint) as completed_post_count,
        {{ ratio('counted.completed_post_count', 'counted.post_count') }} as completed_post_rate,
        months.is_complete
    from months
    left join counted on months.month = counted.month
    where months.month >= (select min(month) from counted)

)

select * from final
