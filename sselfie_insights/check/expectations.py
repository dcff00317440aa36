"""Ask Great Expectations about small data frames; nothing else imports it: that takes seconds.

Nothing of what it says leaves this module but which rows failed: its results and its errors hold
values.
"""

import logging
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from threading import Thread
from typing import Any

Frame = Sequence[Mapping[str, Any]]
"""The rows of a data frame; what a row lacks is missing, and no expectation asks about it."""


@dataclass(frozen=True)
class Question:
    """One expectation.

    Attributes:
        name: What it is called here; several questions may share a name.
        expectation: Its class in ``great_expectations.expectations``.
        arguments: Its arguments.
    """

    name: str
    expectation: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the expectations of one name said.

    Attributes:
        failed: The numbers of the rows that failed one of them.
        is_broken: Whether one of them could not be evaluated.
    """

    failed: frozenset[int]
    is_broken: bool


def start_import() -> Thread:
    """Begin to import Great Expectations, which takes seconds, beside other work."""

    def load() -> None:
        # Whoever needs it imports it again, and meets the error there.
        with suppress(Exception):
            import_module("great_expectations.expectations")

    thread = Thread(target=load, name="import great_expectations", daemon=True)
    thread.start()
    return thread


def ask(suites: Mapping[str, tuple[Frame, Sequence[Question]]]) -> dict[str, Answer]:
    """Return the answer to the questions of each name.

    Nothing is written, sent or printed.

    Args:
        suites: By its name, the frame of each suite and the questions about it.
    """
    with warnings.catch_warnings():
        # Of the libraries behind it, about themselves.
        warnings.simplefilter("ignore")
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        # It logs the values on which a metric failed.
        logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = context.data_sources.add_pandas("mirror")
        results: list[Any] = []
        for name, (frame, questions) in suites.items():
            asset = source.add_dataframe_asset(name)
            results += _validate(
                asset.add_batch_definition_whole_dataframe("all"), frame, questions
            )
    answers: dict[str, Answer] = {}
    for result in results:
        name = result.expectation_config.meta["question"]
        answer = _answer(result)
        before = answers.get(name, Answer(frozenset(), False))
        answers[name] = Answer(before.failed | answer.failed, before.is_broken or answer.is_broken)
    return answers


def _validate(definition: Any, frame: Frame, questions: Iterable[Question]) -> list[Any]:
    import great_expectations as gx
    import great_expectations.expectations as gxe
    import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own

    columns = {
        name
        for question in questions
        for key, name in question.arguments.items()
        if "column" in key
    }
    data = {column: [row.get(column) for row in frame] for column in sorted(columns)}
    suite = gx.ExpectationSuite(name=definition.data_asset.name)
    for question in questions:
        expectation = getattr(gxe, question.expectation)
        suite.add_expectation(expectation(**question.arguments, meta={"question": question.name}))
    batch = definition.get_batch({"dataframe": pd.DataFrame(data)})
    form = {"result_format": "COMPLETE", "partial_unexpected_count": 0}
    return list(batch.validate(suite, result_format=form).results)


def _answer(result: Any) -> Answer:
    if _raised(result.exception_info):
        return Answer(frozenset(), is_broken=True)
    failed = frozenset(result.result.get("unexpected_index_list") or ())
    # The rows that failed may hold personal data, so a failure keeps none of them.
    return Answer(failed, is_broken=not (result.success or failed))


def _raised(info: Mapping[str, Any] | None) -> bool:
    """Say whether evaluating raised: one mapping of what, or one for every metric that did."""
    if not info:
        return False
    return info.get("raised_exception") is not False
