"""An explanation in a few sentences, for whoever reads no table."""

import polars as pl

from sselfie_insights.clock import write_month
from sselfie_insights.explain.decompose import SMALL, WHOLE
from sselfie_insights.explain.measures import Explanation
from sselfie_insights.query.cells import write_cell

_MOST_PARTS = 3
MINUS = "\N{MINUS SIGN}"


def summarize(explanation: Explanation) -> list[str]:
    """Return what changed and by how much; of the first currency the largest parts of each kind.

    Of an explanation from ``hide_small_parts`` no sentence is about fewer people than pages show.
    """
    sentences = []
    for (currency,), parts in explanation.parts.group_by("currency", maintain_order=True):
        [whole] = parts.filter(pl.col("dimension") == WHOLE).to_dicts()
        sentences.append(_say_whole(explanation, str(currency), whole["before"], whole["after"]))
        if len(sentences) > 1:
            continue
        for dimension, heading in explanation.explains.by.items():
            found = parts.filter(pl.col("dimension") == dimension, pl.col("change") != 0)
            largest = found.sort(pl.col("change").abs(), descending=True, maintain_order=True)
            if all(SMALL in part for part in found["part"].fill_null("")):
                continue
            said = [
                f"{row['part'] or 'none'} {_write(explanation, str(currency), row['change'])}"
                for row in largest.head(_MOST_PARTS).to_dicts()
            ]
            more = found.height - len(said)
            rest = f", and {more} more" if more else ""
            sentences.append(f"By {heading.lower()}: {', '.join(said)}{rest}.")
    if not sentences:
        title, month = explanation.explains.title, write_month(explanation.month)
        return [f"{title}: nothing in {month}, nor in the month before."]
    return sentences


def _say_whole(
    explanation: Explanation, currency: str, before: int | None, after: int | None
) -> str:
    if before is None or after is None:
        of = f" in {currency.upper()}" if currency else ""
        month = write_month(explanation.month)
        return f"{explanation.explains.title}{of}: too few people to show in {month}."
    unit = explanation.query.columns["before"].unit
    now = write_cell(after, unit, currency or None)
    month = write_month(explanation.month)
    running = "" if explanation.is_complete else ", which is still running"
    title = explanation.explains.title
    if after == before:
        return f"{title}: {now} in {month}{running}, as in the month before."
    change = write_cell(abs(after - before), unit, currency or None)
    percent = f" ({abs(after - before) / before:.1%})" if before > 0 else ""
    than = f"{change}{percent} {'more' if after > before else 'less'} than the month before"
    return f"{title}: {now} in {month}{running}, {than}."


def _write(explanation: Explanation, currency: str, change: int) -> str:
    text = write_cell(abs(change), explanation.query.columns["before"].unit, currency or None)
    return f"{'+' if change > 0 else MINUS}{text}"
