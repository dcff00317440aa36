-- One row per month in which a feature has more users than were active, or the features miss an activity.
with adoption as (

    select
        month,
        max(user_count) as most_users,
        sum(user_count) as all_users,
        sum(event_count) as event_count
    from {{ ref('feature_adoption') }}
    group by month

),

activity as (

    select
        cast(date_trunc('month', activity_on) as date) as month,
        count(*) as event_count
    from {{ ref('fct_activity') }}
    group by 1

)

select adoption.*
from adoption
inner join {{ ref('active_users') }} as active on active.grain = 'month' and adoption.month = active.period
left join activity on adoption.month = activity.month
where
    adoption.most_users > active.active_count
    or adoption.all_users < active.active_count
    or adoption.event_count <> coalesce(activity.event_count, 0)
