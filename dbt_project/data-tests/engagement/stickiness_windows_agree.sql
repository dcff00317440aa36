-- One row per day whose users of one, seven and thirty days are impossible, or, on the last day, not those of the activity.
with counted as (

    select
        days.day,
        count(distinct case when activity.activity_on = days.day then activity.user_id end) as dau,
        count(distinct case when activity.activity_on > days.day - 7 then activity.user_id end) as wau,
        count(distinct activity.user_id) as mau
    from (select max(day) as day from {{ ref('stickiness') }}) as days
    inner join {{ ref('fct_activity') }} as activity on activity.activity_on > days.day - 30 and activity.activity_on <= days.day
    group by days.day

)

select stickiness.*
from {{ ref('stickiness') }} as stickiness
left join counted on stickiness.day = counted.day
where
    stickiness.dau > stickiness.wau
    or stickiness.wau > stickiness.mau
    or stickiness.dau <> coalesce(counted.dau, stickiness.dau)
    or stickiness.wau <> coalesce(counted.wau, stickiness.wau)
    or stickiness.mau <> coalesce(counted.mau, stickiness.mau)
