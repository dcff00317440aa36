"""Headings of what a rate rests on: its n, and the ends of a share's 95 % interval."""

from collections.abc import Mapping

from sselfie_insights.query.result import Result


def show_intervals(headings: Mapping[str, str], result: Result) -> dict[str, str]:
    """Return ``headings`` (column to heading) with n before each rate, and a share's ends after it.

    The n of a rate that is no share of people, such as one of money, is the row's group size.
    """
    shown: dict[str, str] = {}
    for name, heading in headings.items():
        column = result.columns[name]
        if column.unit == "rate":
            sizes = (column.of,) if column.of else result.group_sizes
            shown |= {size: "n" for size in sizes[:1] if size not in headings}
        shown[name] = heading
        shown |= head_ends(column.interval)
    return shown


def head_ends(interval: tuple[str, str] | None) -> dict[str, str]:
    """Return the headings of the columns with the ends of an interval, if there is one."""
    return dict(zip(interval, ("Low", "High"), strict=True)) if interval else {}
