"""What adds the lists behind cohorts and lifecycles up again."""

from sselfie_insights.query import load_library
from tests.support.drill_downs.sums import RETENTION

ACTIVITY_CELLS = f"""
    with sizes as (
        select {{segment}} as segment, cohort_period, count(distinct user_id) as cohort_size
        from activity_cohort_members group by all
    ),
    offsets as (
        select unnest(range(
            date_diff('{{grain}}', min(cohort_period), (select as_of_on from marts.build_info)) + 1
        )) as k
        from sizes
    ),
    spans as ({{spans}}),
    kept as (
        select
            {{segment}} as segment, cohort_period, low, high,
            count(distinct user_id) as retained_count
        from activity_cohort_members inner join spans on period_index between low and high
        group by all
    ),
    cells as (
        select
            segment, cohort_period, low, cohort_size, is_bracket,
            coalesce(retained_count, 0) as retained_count,
            concat_ws('-', low, nullif(last, low)) as label,
            cohort_period + (last + 1) * interval 1 {{grain}} <= complete_until_on as has_ended
        from sizes cross join spans cross join marts.build_info
        left join kept using (segment, cohort_period, low, high)
        where cohort_period + low * interval 1 {{grain}} <= as_of_on
    )
    {RETENTION}
"""


LIFECYCLE = """
    with present as (select distinct user_id, period from activity_by_user),
    placed as (
        select
            *, lag(period) over each_user as before, lead(period) over each_user as after,
            cast(period + interval 1 {grain} as date) as next,
            cast(period - interval 1 {grain} as date) as previous
        from present window each_user as (partition by user_id order by period)
    ),
    here as (
        select
            period, count(*) as active_count, count_if(before is null) as new_count,
            count_if(before = previous) as returning_count,
            count_if(before < previous) as resurrected_count
        from placed group by all
    ),
    gone as (
        select next as period, count(*) as dormant_count
        from placed, marts.build_info
        where (after is null or after > next) and next <= as_of_on
        group by all
    )
    select * from here full join gone using (period)
"""


PEOPLE = " union all ".join(
    f"select '{name}' as segment, customer_key, reason, is_cooling from {name}"
    for name in (each.rpartition("/")[2] for each in load_library() if each.startswith("segments/"))
)
