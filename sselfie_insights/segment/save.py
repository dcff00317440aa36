"""Make a segment of the people whom a query lists, such as those of a cohort's cell."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from sselfie_insights.errors import UsageError
from sselfie_insights.files import write_file
from sselfie_insights.query.library import Query
from sselfie_insights.query.template import write_out
from sselfie_insights.segment.library import list_segments

_NAME = re.compile(r"[a-z][a-z0-9_]*")
# What Jinja would read in a value.
_BRACES = re.compile(r"\{[{%#]")

_SEGMENT = """\
/*
grain: One row per person in the segment.
title: {title}
description: {description}
interface: segment
*/
with chosen as (
{sql}
)

select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
    people.product,
    {reason} as reason,
    'active' as goal, -- or member, paid or trained
    as_of_on + 7 as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling
from marts.people_now as people
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where people.customer_key in (select customer_key from chosen)
order by people.customer_key
"""


def save_segment(name: str, query: Query, given: Mapping[str, str]) -> Path:
    """Write ``queries/segments/<name>.sql``: whoever ``query`` lists, asked again each time.

    Args:
        name: Small letters, digits and underscores.
        query: What lists the people, by ``customer_key``.
        given: Its parameters, as text.

    Raises:
        UsageError: The name is none or is taken, or the query lists no people.
        StorageError: The file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"a segment cannot be called {name!r}", remedy="write small letters, digits and _"
        )
    if name in list_segments():
        raise UsageError(f"there is a segment {name!r}", remedy="choose another name")
    if "customer_key" not in query.columns:
        raise UsageError(
            f"the rows of {query.name} are no people",
            remedy="those of a cohort's cell are in retention/activity_cell_people",
        )
    words = " ".join(f"-p {shlex.quote(f'{key}={value}')}" for key, value in given.items())
    command = f"sselfie query run {query.name} {words}".strip()
    path = Path("queries") / "segments" / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _SEGMENT.format(
        title=json.dumps(name.replace("_", " ").capitalize()),
        description=_quote(f"Saved from: {command}"),
        sql=_BRACES.sub(r"{{ '\g<0>' }}", write_out(query, given)),
        reason=f"'{name}'",
    )
    write_file(path, text.encode())
    return path


def _quote(text: str) -> str:
    """Write text for the YAML of a header, whose comment it must not end."""
    return json.dumps(text).replace("*/", "*\\/")
