-- One row per feed that a user who counts laid out up to as_of, with the posts made for it.
with build as (

    select * from {{ ref('core_build') }}

),

accounts as (

    {{ counted_users() }}

),

posts as (

    select
        posts.feed_layout_id,
        count(*) as post_count,
        sum(case when posts.generation_status = 'completed' then 1 else 0 end) as completed_post_count
    from {{ ref('stg_app__feed_posts') }} as posts
    cross join build
    where posts.created_at <= build.as_of
    group by posts.feed_layout_id

),

final as (

    select
        cast(layouts.feed_layout_id as bigint) as feed_layout_id,
        layouts.user_id,
        layouts.created_at,
        {{ local_month('layouts.created_at') }} as month,
        cast(coalesce(layouts.status, 'unknown') as {{ dbt.type_string() }}) as status,
        cast(coalesce(posts.post_count, 0) as bigint) as post_count,
        cast(coalesce(posts.completed_post_count, 0) as bigint) as completed_post_count
    from {{ ref('stg_app__feed_layouts') }} as layouts
    inner join accounts on layouts.user_id = accounts.user_id and layouts.created_at <= accounts.as_of
    left join posts on layouts.feed_layout_id = posts.feed_layout_id

)

select * from final
