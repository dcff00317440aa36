-- One row per month and kind of generation: how many were asked for, and what became of them.
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

generations as (
    {% for kind, model, status, instant in [
        ('image', 'stg_app__ai_images', 'generation_status', 'generated_at'),
        ('video', 'stg_app__generated_videos', 'generation_status', 'generated_at'),
        ('feed_post', 'stg_app__feed_posts', 'generation_status', 'created_at'),
        ('highlight', 'stg_app__instagram_highlights', 'generation_status', 'created_at'),
        ('training', 'stg_app__training_runs', 'training_status', 'requested_at'),
    ] %}
    select
        '{{ kind }}' as kind,
        user_id,
        {{ status }} as status,
        {{ instant }} as requested_at
    from {{ ref(model) }}
    {%- if kind == 'image' %}
    where coalesce(category, '') not in ('profile', 'highlight', 'upload') and coalesce(origin, '') not like '%upload%'
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

counted as (

    select
        {{ local_month('generations.requested_at') }} as month,
        generations.kind,
        count(*) as requested_count,
        sum(case when generations.status = 'completed' then 1 else 0 end) as completed_count,
        sum(case when generations.status = 'failed' then 1 else 0 end) as failed_count,
        count(distinct generations.user_id) as user_count
    from generations
    cross join build
    inner join accounts on generations.user_id = accounts.user_id
    where generations.requested_at <= build.as_of
    group by 1, 2

),

final as (

    select
        months.month,
        kinds.kind,
        cast(coalesce(counted.requested_count, 0) as bigint) as requested_count,
        cast(coalesce(counted.completed_count, 0) as bigint) as completed_count,
        cast(coalesce(counted.failed_count, 0) as bigint) as failed_count,
        cast(coalesce(counted.user_count, 0) as bigint) as user_count,
        {{ ratio('counted.completed_count', 'counted.completed_count + counted.failed_count') }} as success_rate,
        months.is_complete
    from months
    cross join (select distinct kind from counted) as kinds
    left join counted on months.month = counted.month and kinds.kind = counted.kind
    where months.month >= (select min(month) from counted)

)

select * from final
