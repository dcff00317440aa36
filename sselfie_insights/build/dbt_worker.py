"""dbt in a process of its own, which reports results and errors alone.

``run_dbt`` runs this file; nothing imports it. dbt fires some thirty events a node, and its own
loggers put every one into words before they ask whether anybody wants to read it.
"""

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

RESULTS = ("LogModelResult", "LogSeedResult", "LogTestResult")
"""The events that end a node."""


def main(arguments: list[str], variables: str) -> str | None:
    """Run one dbt command; return the words of an error that no event reported.

    Args:
        arguments: The command and its options.
        variables: dbt's ``vars`` as JSON. They name accounts, and all may read a command line.
    """
    if "SSELFIE_DBT_SPARK_REMOTE" in os.environ:
        use_session()
    # To search dbt's many objects for garbage takes a tenth of a build, and finds little.
    gc.disable()
    from dbt.cli.main import dbtRunner
    from dbt_common.events.functions import env_scrubber, msg_to_json

    errors = []

    def report(event: "EventMsg") -> None:
        if event.info.level == "error":
            errors.append(event)
        elif event.info.name not in RESULTS:
            return
        try:
            print(env_scrubber(msg_to_json(event)), flush=True)
        except BrokenPipeError:
            os._exit(1)  # whoever ran it was killed; dbt would wait for its threads for ever

    silent = ["--log-level", "none", "--log-level-file", "none"]
    outcome = dbtRunner(callbacks=[report]).invoke([*silent, *arguments, "--vars", variables])
    return None if errors or outcome.exception is None else str(outcome.exception)


def use_session() -> None:
    """Let dbt's adapter for Spark carry out its statements in a session with the lake's views."""
    from dbt.adapters.spark.session import Cursor

    from sselfie_insights.lake.session import Session

    session = Session(
        os.environ["SSELFIE_DBT_SPARK_REMOTE"],
        Path(os.environ["SSELFIE_DBT_LAKE_VIEWS"]),
        os.environ["SSELFIE_DBT_LAKE_RUN"],
    )

    def execute(cursor: Any, sql: str, *parameters: Any) -> None:
        cursor._df = session.execute(sql % parameters if parameters else sql)

    adapter: Any = Cursor
    adapter.execute = execute


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.read()))
