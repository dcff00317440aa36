"""The steps of a run, in order, and which of them are asked for."""

from sselfie_insights.errors import UsageError

STEPS = {
    "sync": "mirror the source into a private copy of the warehouse",
    "check": "check the mirror against the contract",
    "build": "build the marts in the copy, and test them",
    "publish": "put the copy in the warehouse's place, and keep it",
    "render": "render every report as a page",
    "export": "write every query as files",
}
"""Name and what it does."""

PRIVATE = ("sync", "check", "build", "publish")
"""The steps that need the private copy; what they made is lost unless the last is among them."""

_GUARDED = {"sync": "check"}
"""A step that changes what is published, and the step that must then have looked at it."""


def choose_steps(steps: str | None = None, until: str | None = None) -> tuple[str, ...]:
    """Return the steps to take, in order.

    Args:
        steps: Their names, comma-separated; None for all.
        until: The last of them to take; None for all.

    Raises:
        UsageError: There is no such step, none is left, or something unchecked would be published.
    """
    names = list(STEPS) if steps is None else [name.strip() for name in steps.split(",")]
    for name in [*names, *([until] if until is not None else [])]:
        if name not in STEPS:
            raise UsageError(f"there is no step {name!r}", remedy=f"steps: {', '.join(STEPS)}")
    order = list(STEPS)
    last = len(order) - 1 if until is None else order.index(until)
    chosen = tuple(name for name in order[: last + 1] if name in names)
    if not chosen:
        raise UsageError(
            f"no step of {steps!r} comes up to {until!r}", remedy="name a later step with --until"
        )
    for name, guard in _GUARDED.items():
        if "publish" in chosen and name in chosen and guard not in chosen:
            raise UsageError(
                f"'{name}' without '{guard}' would publish what nobody checked",
                remedy=f"add '{guard}', or leave out 'publish'",
            )
    return chosen
