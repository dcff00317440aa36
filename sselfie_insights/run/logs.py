"""The log of a run, on stderr: sentences for people, or one JSON object a line."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from sselfie_insights.printable import clean_lines


def open_log(
    form: Literal["text", "json"], *, quiet: bool = False, verbose: bool = False
) -> FilteringBoundLogger:
    """Return a log on stderr.

    Args:
        form: How it is written.
        quiet: Whether to leave out what is no warning and no error.
        verbose: Whether to write details, too.
    """
    level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
    processors: list[Processor] = (
        [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(default=str),
        ]
        if form == "json"
        else [_write_sentence]
    )
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return log


def _write_sentence(_: WrappedLogger, level: str, event: EventDict) -> str:
    """Return the event alone; what it is made of is for machines."""
    mark = f"{level}: " if level in ("warning", "error") else ""
    return clean_lines(f"{mark}{event['event']}")
