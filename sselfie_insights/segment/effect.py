"""What came of writing to people: those exported against those held out."""

from collections.abc import Mapping
from typing import Any

import duckdb

from sselfie_insights.segment.record import PastExport, read_record
from sselfie_insights.warehouse.reading import Stamp, read_path

# Who had reached the goal within the days after the export. A member is one at the end of them;
# the other goals are things done in them, from the day after the export on.
_REACHED = """
with exposed as (
    select
        unnest($segments) as segment,
        unnest($goals) as goal,
        unnest($groups) as membership,
        unnest($keys) as customer_key,
        unnest($days)::date as exported_on
),

windows as (
    select *, exported_on + cast($within_days as integer) as until_on
    from exposed
),

matured as (
    select
        windows.*,
        people.user_id,
        until_on < build.complete_until_on as is_mature
    from windows
    inner join marts.people_now as people using (customer_key)
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
    count(*) filter (membership = 'sent' and is_mature) as sent_count,
    count(*) filter (membership = 'sent' and is_mature and has_reached) as sent_reached_count,
    count(*) filter (membership = 'held_out' and is_mature) as held_out_count,
    count(*) filter (membership = 'held_out' and is_mature and has_reached)
        as held_out_reached_count,
    count(*) filter (not is_mature) as waiting_count
from reached
group by segment, goal
order by segment, goal
"""


def compute_effect(
    connection: duckdb.DuckDBPyConnection, stamp: Stamp, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return a row for every exported segment: both groups, the difference and its interval.

    A person counts once a segment, from the first export on, and only when all ``within_days``
    have passed. Shares and difference are None while a group has fewer than ``least`` people.
    """
    people = _first_exposures(read_record(read_path(connection)))
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
            "within_days": values["within_days"],
        },
    )
    names = [column[0] for column in relation.description or ()]
    return [
        _judge(dict(zip(names, row, strict=True)), values["least"]) for row in relation.fetchall()
    ]


def _first_exposures(record: list[PastExport]) -> dict[tuple[str, str], dict[str, Any]]:
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for export in sorted(record, key=lambda export: export.exported_on):
        for row in export.rows:
            first.setdefault(
                (export.segment, row["customer_key"]),
                {
                    "goal": row["goal"],
                    "group": row["group"],
                    "exported_on": export.exported_on.isoformat(),
                },
            )
    return first


def _judge(row: dict[str, Any], least: int) -> dict[str, Any]:
    sent, held_out = row["sent_count"], row["held_out_count"]
    empty = dict.fromkeys(("sent_rate", "held_out_rate", "difference", "low", "high"))
    if min(sent, held_out) < least:
        verdict = f"too few to tell: {least} people are needed in each group"
        return row | empty | {"verdict": verdict}
    from sselfie_insights.statistics.intervals import newcombe

    reached = row["sent_reached_count"], row["held_out_reached_count"]
    difference, low, high = newcombe(reached[0], sent, reached[1], held_out)
    return row | {
        "sent_rate": reached[0] / sent,
        "held_out_rate": reached[1] / held_out,
        "difference": difference,
        "low": low,
        "high": high,
        "verdict": "more reached the goal"
        if low > 0
        else "fewer reached the goal"
        if high < 0
        else "no difference proven",
    }
