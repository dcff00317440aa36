"""Judge the measures of the mirror: lay them out in frames, ask, and read the answers.

Great Expectations has no engine for DuckDB, and is slow on tables of any size. It gets three
small frames: one row a column with its counts and limits, one row a table with its volume and
age, and one row a distinct value of the columns whose values, or their shapes, are documented.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sselfie_insights.check.expectations import Answer, Frame, Question, ask
from sselfie_insights.check.measure import BROKEN, MeasuredMirror, Measures, Values
from sselfie_insights.check.rules import (
    CODE_WORD,
    TABLE_RULES,
    VALUE_RULES,
    Check,
    Subject,
    accepted,
)

LEAST_SHARE = 0.7
"""The share of its former rows that a table may not fall below."""

FEWEST_ROWS = 20
"""A table that never had as many rows is not held to that share."""

FEWEST_DAYS = 10
"""A table with new rows on fewer days than this, of the last 90 of its history, is a quiet one."""

_MOST_WORDS = 5
"""How many undocumented values of a column are named."""

QUIET_DAYS = 90
"""How old the newest row of a quiet table may be."""

ORDER = "ExpectColumnPairValuesAToBeGreaterThanB"
EQUAL = "ExpectColumnPairValuesToBeEqual"
SOME = {"ignore_row_if": "either_value_is_missing"}

COLUMN_QUESTIONS = (
    Question(
        "present", "ExpectColumnValuesToBeInSet", {"column": "is_present", "value_set": [True]}
    ),
    Question("not_null", "ExpectColumnValuesToBeBetween", {"column": "null_count", "max_value": 0}),
    Question("copies", "ExpectColumnValuesToBeBetween", {"column": "copy_count", "max_value": 0}),
    Question("unique", EQUAL, {"column_A": "key_count", "column_B": "distinct_count", **SOME}),
    Question("type", EQUAL, {"column_A": "typed_count", "column_B": "converted_count", **SOME}),
    Question("range", ORDER, {"column_A": "least", "column_B": "lower", "or_equal": True, **SOME}),
    Question(
        "range", ORDER, {"column_A": "upper", "column_B": "greatest", "or_equal": True, **SOME}
    ),
    Question(
        "future", ORDER, {"column_A": "ahead_after", "column_B": "latest", "or_equal": True, **SOME}
    ),
    Question(
        "foreign_key",
        EQUAL,
        {"column_A": "reference_count", "column_B": "matched_count", **SOME},
    ),
)
TABLE_QUESTIONS = (
    Question(
        "volume",
        ORDER,
        {"column_A": "row_count", "column_B": "least_count", "or_equal": True, **SOME},
    ),
    Question(
        "freshness",
        ORDER,
        {"column_A": "usual_days", "column_B": "age_days", "or_equal": True, **SOME},
    ),
)


_MEASURED = {
    "present": "is_present",
    "not_null": "null_count",
    "unique": "key_count",
    "copies": "copy_count",
    "type": "typed_count",
    "range": "outside_count",
    "future": "ahead_count",
    "foreign_key": "reference_count",
    "volume": "least_count",
    "freshness": "age_days",
}
"""By its rule, the measure without which a check does not apply."""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: The check.
        is_failed: Whether the data breaks its rule.
        is_broken: Whether it could not be evaluated.
        failed_rows: Rows that break the rule; None where it is not about rows.
        checked_rows: Rows that were looked at; None where it is not about rows.
        detail: What is wrong, in words; empty when nothing is.
    """

    check: Check
    is_failed: bool
    is_broken: bool
    failed_rows: int | None
    checked_rows: int | None
    detail: str


def judge(mirror: MeasuredMirror, checks: Sequence[Check], schema: str) -> list[Finding]:
    """Return what the checks found; a check of what the mirror lacks finds nothing.

    Args:
        mirror: What to check.
        checks: The checks.
        schema: The schema of the source that it mirrors.
    """
    of_values = [check for check in checks if check.rule in VALUE_RULES and mirror.has(check)]
    of_tables = [check for check in checks if check.rule in TABLE_RULES]
    of_columns = [check for check in checks if check.rule not in VALUE_RULES | TABLE_RULES]
    columns = mirror.measure_columns(of_columns)
    tables = _measure_tables(mirror, of_tables, schema)
    values = [mirror.measure_values(check) for check in of_values]
    frame, questions = _lay_out_values(of_values, values)
    answers = ask(
        {
            "columns": (list(columns.values()), COLUMN_QUESTIONS),
            "tables": (list(tables.values()), TABLE_QUESTIONS),
            "values": (frame, questions),
        }
    )
    return [
        *_read_measures(of_columns, columns, answers),
        *_read_measures(of_tables, tables, answers),
        *_read_values(of_values, values, answers),
    ]


def _measure_tables(
    mirror: MeasuredMirror, checks: Sequence[Check], schema: str
) -> dict[Subject, Measures]:
    tables = mirror.measure_volumes([each for each in checks if each.rule == "volume"], schema)
    for known in tables.values():
        if (known.get("former_count") or 0) >= FEWEST_ROWS:
            known["least_count"] = LEAST_SHARE * known["former_count"]
    stale = [check for check in checks if check.rule == "freshness"]
    fresh = mirror.measure_freshness(stale)
    for check in stale:
        known = tables[check.subject] | fresh.get(check.subject, {})
        assert check.table.freshness is not None  # noqa: S101  # these checks are about such tables
        days = check.table.freshness.max_age_days
        if (known.get("day_count") or 0) < FEWEST_DAYS:
            known["usual_days"] = max(days, QUIET_DAYS)
        else:
            known["usual_days"] = max(days, 2 * known["gap_days"])
        tables[check.subject] = known
    return tables


def _lay_out_values(
    checks: Sequence[Check], values: Sequence[Values | None]
) -> tuple[Frame, list[Question]]:
    """Return a frame with a column for every set of accepted values, and a question about each."""
    frame = [
        {_question(check): value}
        for check, found in zip(checks, values, strict=True)
        for value, _ in found or ()
    ]
    sets = {_question(check): accepted(check) for check in checks}
    questions = [
        Question(name, "ExpectColumnValuesToBeInSet", {"column": name, "value_set": [*values]})
        for name, values in sets.items()
    ]
    return frame, questions


def _question(check: Check) -> str:
    return " ".join((check.rule, *accepted(check)))


def _read_measures(
    checks: Sequence[Check], measures: Mapping[Subject, Measures], answers: Mapping[str, Answer]
) -> list[Finding]:
    rows = {subject: number for number, subject in enumerate(measures)}
    findings = []
    for check in checks:
        known = measures.get(check.subject, {})
        if known.get(_MEASURED[check.rule]) is not None:
            answer = answers[check.rule]
            is_failed = rows[check.subject] in answer.failed
            failed, looked_at = _count(check, known)
            detail = _describe(check, failed, known) if is_failed else ""
            findings.append(Finding(check, is_failed, answer.is_broken, failed, looked_at, detail))
        elif known.get(BROKEN):
            findings.append(_broken(check))
    return findings


def _read_values(
    checks: Sequence[Check],
    values: Sequence[Values | None],
    answers: Mapping[str, Answer],
) -> list[Finding]:
    findings = []
    row = 0
    for check, found in zip(checks, values, strict=True):
        if found is None:
            findings.append(_broken(check))
            continue
        answer = answers[_question(check)]
        odd = [pair for each, pair in enumerate(found, row) if each in answer.failed]
        failed = sum(count for _, count in odd)
        row += len(found)
        detail = _describe(check, failed, {}) if failed else ""
        if failed and check.rule == "accepted_values":
            detail += f": {_name_values(odd)}"
        looked_at = sum(count for _, count in found)
        findings.append(Finding(check, failed > 0, answer.is_broken, failed, looked_at, detail))
    return findings


def _name_values(odd: Values) -> str:
    """Return undocumented values with the number of their rows, the most frequent first.

    Only code words are named: anything else can be what somebody typed, or who they are.
    """
    words = [pair for pair in odd if CODE_WORD.fullmatch(pair[0])]
    words.sort(key=lambda pair: -pair[1])
    named = [f"{value} ({count})" for value, count in words[:_MOST_WORDS]]
    left = sum(count for _, count in odd) - sum(count for _, count in words[:_MOST_WORDS])
    return ", ".join([*named, *([f"no code words or rarer ({left})"] if left else [])])


def _broken(check: Check) -> Finding:
    return Finding(check, False, True, None, None, "")


def _count(check: Check, known: Measures) -> tuple[int | None, int | None]:
    """Return the rows that break a rule and the rows looked at, where it is about rows."""
    match check.rule:
        case "not_null":
            return known["null_count"], known["null_count"] + known["value_count"]
        case "unique":
            return known["key_count"] - known["distinct_count"], known["key_count"]
        case "copies":
            return known["copy_count"], known["copy_count"] + known["key_count"]
        case "type":
            return known["typed_count"] - known["converted_count"], known["typed_count"]
        case "range":
            return known["outside_count"], known["value_count"]
        case "future":
            return known["ahead_count"], known["value_count"]
        case "foreign_key":
            return known["reference_count"] - known["matched_count"], known["reference_count"]
        case "volume":
            return max(0, known["former_count"] - known["row_count"]), known["row_count"]
        case _:
            return None, None


def _describe(check: Check, count: int | None, known: Measures) -> str:
    """Return what is wrong, in words and counts."""
    column = check.column
    match check.rule:
        case "volume":
            share = 100 - 100 * known["row_count"] / known["former_count"]
            return f"{known['row_count']} rows, {share:.0f} % fewer than at a former sync"
        case "freshness":
            return (
                f"nothing new for {known['age_days']:.0f} days, "
                f"where {known['usual_days']:.0f} are usual at most"
            )
        case "present":
            return "metrics need this column, and the source lacks it"
        case "not_null":
            return f"{count} rows without a value"
        case "unique":
            return f"{count} rows repeat a key"
        case "copies":
            return f"{count} rows are exact copies, and not counted"
        case "foreign_key":
            return f"{count} rows refer to no row of {column.references if column else ''}"
        case "type" if column is not None and column.is_money and not column.unit:
            return f"{count} amounts are not written as whole cents"
        case "type":
            return f"{count} values are not of type {column.data_type if column else ''}"
        case "range":
            return f"{count} values out of range"
        case "future":
            return f"{count} values lie in the future"
        case "ledger":
            return f"{count} balances do not follow from the one before"
        case "json":
            return f"{count} values are not {' or '.join(accepted(check)[1:])}"
        case "array":
            return f"{count} values are not a plain list"
        case _:
            return f"{count} {'row has' if count == 1 else 'rows have'} an undocumented value"
