-- One row per month: feeds that users laid out, and the posts that they had made for them.
with build as (

    select * from {{ ref('build_info') }}

),

months as (

    select * from {{ ref('dim_months') }}

),

accounts as (

    select * from {{ ref('int_accounts') }}
    where exclusion is null

),

layouts as (

    select
        layouts.*,
        {{ local_month('layouts.created_at') }} as month
    from {{ ref('stg_app__feed_layouts') }} as layouts
    cross join build
    inner join accounts on layouts.user_id = accounts.user_id
    where layouts.created_at <= build.as_of

),

posts as (

    select
        layouts.month,
        count(*) as post_count,
        sum(case when posts.generation_status = 'completed' then 1 else 0 end) as completed_post_count
    from {{ ref('stg_app__feed_posts') }} as posts
    cross join build
    inner join layouts on posts.feed_layout_id = layouts.feed_layout_id
    where posts.created_at <= build.as_of
    group by layouts.month

),

counted as (

    select
        month,
        count(*) as layout_count,
        sum(case when status = 'published' then 1 else 0 end) as published_count,
        count(distinct user_id) as user_count
    from layouts
    group by month

),

final as (

    select
        months.month,
        cast(coalesce(counted.layout_count, 0) as bigint) as layout_count,
        cast(coalesce(counted.published_count, 0) as bigint) as published_count,
        cast(coalesce(counted.user_count, 0) as bigint) as user_count,
        cast(coalesce(posts.post_count, 0) as bigint) as post_count,
        cast(coalesce(posts.completed_post_count, 0) as bigint) as completed_post_count,
        {{ ratio('posts.completed_post_count', 'posts.post_count') }} as completed_post_rate,
        months.is_complete
    from months
    left join counted on months.month = counted.month
    left join posts on months.month = posts.month
    where months.month >= (select min(month) from counted)

)

select * from final
