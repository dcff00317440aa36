"""What came of writing to people: those exported against those held out."""

from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl

from sselfie_insights.segment.record import PastExport

WINDOWS = (7, 14, 30, 60, 90)
"""Within how many days of the export a goal counts; each is measured."""

EFFECT_SCHEMA = {
    "segment": pl.String,
    "goal": pl.String,
    "within_days": pl.Int64,
    "sent_count": pl.Int64,
    "sent_reached_count": pl.Int64,
    "held_out_count": pl.Int64,
    "held_out_reached_count": pl.Int64,
    "waiting_count": pl.Int64,
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "smallest_difference": pl.Float64,
    "sample_ratio_p": pl.Float64,
}

# Who had reached the goal within the days after the export. A member is one at the end of them;
# the other goals are things done in them, from the day after the export on. Everybody exported
# stays in their group, whatever becomes of them: a guest is followed into the account, whose first
# export then counts, and who is no longer there has not reached the goal.
_REACHED = """
with exposed as (
    select
        unnest($segments) as segment,
        unnest($goals) as goal,
        unnest($groups) as membership,
        unnest($keys) as former_key,
        unnest($days)::date as exported_on
),

followed as (
    select
        exposed.*,
        coalesce(keys.customer_key, former_key) as customer_key
    from exposed
    left join marts.customer_keys as keys using (former_key)
    qualify
        row_number() over (
            partition by segment, coalesce(keys.customer_key, former_key)
            order by exported_on, former_key
        ) = 1
),

windows as (
    select *, exported_on + cast(within_days as integer) as until_on
    from followed cross join (select unnest($windows) as within_days)
),

matured as (
    select
        windows.*,
        people.user_id,
        until_on < build.complete_until_on as is_mature
    from windows
    left join marts.people_now as people using (customer_key)
    cross join marts.build_info as build
),

done as (
    select customer_key, 'paid' as goal, moved_on as done_on
    from marts.payments where kind = 'payment'
    union all
    select user_id, 'active', activity_on from marts.fct_activity
    union all
    select user_id, 'trained', activity_on from marts.fct_activity where feature = 'training'
),

reached as (
    select
        matured.*,
        case goal when 'member' then exists (
            select 1 from marts.membership_spans as spans
            where
                spans.customer_key = matured.customer_key
                and began_on <= until_on
                and (ended_on is null or ended_on > until_on)
        ) else exists (
            select 1 from done
            where
                done.goal = matured.goal
                and done.customer_key = matured.customer_key
                and done_on > exported_on
                and done_on <= until_on
        ) end as has_reached
    from matured
)

select
    segment,
    goal,
    within_days,
    count(*) filter (membership = 'sent' and is_mature) as sent_count,
    count(*) filter (membership = 'sent' and is_mature and has_reached) as sent_reached_count,
    count(*) filter (membership = 'held_out' and is_mature) as held_out_count,
    count(*) filter (membership = 'held_out' and is_mature and has_reached)
        as held_out_reached_count,
    count(*) filter (not is_mature) as waiting_count
from reached
group by segment, goal, within_days
order by segment, goal, within_days
"""


def measure_effect(
    connection: duckdb.DuckDBPyConnection, record: list[PastExport]
) -> list[dict[str, Any]]:
    """Return a row for every exported segment and window: both groups, and their difference.

    A person counts once a segment, from the first export on, and only when all days of the window
    have passed. The difference is the share reached of those sent minus that of those held out,
    with a 95 % interval that may be looked at every week; None while one of the groups is empty.
    """
    people = _first_exposures(record)
    if not people:
        return []
    relation = connection.execute(
        _REACHED,
        {
            "segments": [segment for segment, _ in people],
            "keys": [key for _, key in people],
            "goals": [row["goal"] for row in people.values()],
            "groups": [row["group"] for row in people.values()],
            "days": [row["exported_on"] for row in people.values()],
            "windows": list(WINDOWS),
        },
    )
    names = [column[0] for column in relation.description or ()]
    ratios = _check_ratios(people)
    return [
        _compare(found) | {"sample_ratio_p": ratios[found["segment"]]}
        for found in (dict(zip(names, row, strict=True)) for row in relation.fetchall())
    ]


def _check_ratios(people: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, float]:
    """How likely each segment's number of people held out is, by how they were drawn."""
    from sselfie_insights.statistics.experiments import sample_ratio_p

    drawn: dict[str, list[tuple[bool, float]]] = {}
    for (segment, _), row in people.items():
        drawn.setdefault(segment, []).append((row["group"] == "held_out", row["share"]))
    return {
        segment: sample_ratio_p(sum(out for out, _ in rows), [share for _, share in rows])
        for segment, rows in drawn.items()
    }


def _first_exposures(record: list[PastExport]) -> dict[tuple[str, str], dict[str, Any]]:
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for export in sorted(record, key=lambda export: export.exported_on):
        for row in export.rows:
            first.setdefault(
                (export.segment, row["customer_key"]),
                {
                    "goal": row["goal"],
                    "group": row["group"],
                    "share": row.get("holdout_percent", export.holdout_percent) / 100,
                    "exported_on": export.exported_on.isoformat(),
                },
            )
    return first


def _compare(row: dict[str, Any]) -> dict[str, Any]:
    difference = low = high = smallest = None
    if row["sent_count"] and row["held_out_count"]:
        from sselfie_insights.statistics.experiments import difference_sequence, smallest_difference

        sent, held_out = row["sent_count"], row["held_out_count"]
        difference, low, high = difference_sequence(
            row["sent_reached_count"], sent, row["held_out_reached_count"], held_out
        )
        usual = (row["held_out_reached_count"] + 1) / (held_out + 2)
        smallest = smallest_difference(sent, held_out, usual)
    return row | {
        "difference": difference,
        "low": low,
        "high": high,
        "smallest_difference": smallest,
    }
