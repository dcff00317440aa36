"""The version of the metrics' definitions, and what each version changed.

Numbers of two versions are not compared as if the data had changed: `diff` and closed months name
the definition. Raise ``DEFINITIONS`` whenever the same data gives another number, and repeat the
changelog's entries here.
"""

DEFINITIONS = 3
"""The version that this package builds by."""

CHANGES: dict[int, tuple[str, ...]] = {
    2: (
        "Contract and billed MRR, their movements, churn and cohorts, by the rules of"
        " `docs/billing.md`.",
        "Disputed and partially refunded payments are received; refunds that failed, disputes that"
        " were won and inquiries give nothing back; no more is given back than was taken in"
        " (`over_refund` in `quality/dropped_rows`).",
        "An expiry of credits is no use and takes from no paid lot first; a refunded purchase"
        " closes its lot; credits returned go back to the lot last taken from; a balance below 0"
        " has no runway.",
    ),
    3: (
        "`email/email_by_type`: rates are of the people whom an e-mail reached (sent or"
        " delivered), counted in the new `reached_count`. `academy/academy_by_course`: who enrols"
        " again is one person, whose time counts from the first enrolment."
        " `engagement/activation_funnel`: a step taken before signing up counts after 0 days.",
        "Grace after a proration in another product is that of the period that runs: a weekly"
        " member who lapsed after one was held to be in grace for two weeks, not half a week.",
        "Days and instants outside of the years 2000 to 2199, such as infinity or the zero of a"
        " clock, count as missing and are in `quality/unconverted_values`.",
        "A refund rate is empty for months that neither the database nor an export speaks for,"
        " whatever other months hold.",
    ),
}
"""By version, what it changed, in the words of the changelog."""

_BEFORE_STAMPS = 1


def definitions_of(stamped: int | None, version: str | None) -> int:
    """Return the definitions that marts were built by.

    Args:
        stamped: What the build recorded; None where it recorded none.
        version: The version of the package that built them.
    """
    if stamped is not None:
        return stamped
    return _BEFORE_STAMPS if version is None or version.startswith("0.1.") else 2


def describe_changes(before: int, after: int) -> str:
    """Return in words what changed between two versions of the definitions, in either order."""
    first, last = sorted((before, after))
    entries = [entry for each in range(first + 1, last + 1) for entry in CHANGES.get(each, ())]
    if not entries:  # of a version that this one does not know
        return "see the changelog of the newer version"
    return " ".join(entries)
