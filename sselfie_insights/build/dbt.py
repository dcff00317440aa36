"""Run dbt as a subprocess and read its events and its results."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from sselfie_insights.errors import SselfieError
from sselfie_insights.resources import resource_dir
from sselfie_insights.system import child_environment
from sselfie_insights.warehouse.storage import explain_storage

# Called with the number of nodes finished, their total, and the name of the last one.
Progress = Callable[[int, int, str], None]

ENV_PREFIX = "DBT_ENV_CUSTOM_ENV_"
TOKEN = f"{ENV_PREFIX}SSELFIE_TOKEN"
"""dbt copies it into its artifacts, so that those of a child of a run that died are recognised."""

PROCESS = Path(__file__).with_name("dbt_worker.py")
"""The child: run by its path and with ``-P``, so that it finds dbt and not the module beside it."""

_PLAN = re.compile(r"(; line \d+ pos \d+);\n.*|\n+\s*JVM stacktrace:.*", re.DOTALL)

FAILED = ("error", "fail", "runtime error", "partial success")


@dataclass(frozen=True)
class NodeResult:
    """What became of one dbt node: its id, status, message, seconds, and a test's failed rows."""

    unique_id: str
    status: str
    message: str
    seconds: float
    failures: int | None = None

    @property
    def name(self) -> str:
        """The node's own name, without its type and project."""
        return self.unique_id.split(".")[2]

    @property
    def is_test(self) -> bool:
        """Whether the node is a test rather than something that dbt builds."""
        return self.unique_id.startswith(("test.", "unit_test."))


def run_dbt(
    command: Sequence[str],
    *,
    target: str,
    target_path: Path,
    variables: Mapping[str, object],
    environment: Mapping[str, str],
    folder: Path | None = None,
    on_progress: Progress | None = None,
) -> list[NodeResult]:
    """Run one dbt command and return the result of every node that it ran.

    Args:
        command: The dbt command and its own options, e.g. ``["build"]``.
        target: The name of a target in ``profiles.yml``.
        target_path: Where dbt keeps its artifacts and its parsed project between runs.
        variables: dbt's ``vars``.
        environment: Variables that ``profiles.yml`` and the models read.
        folder: Where dbt runs, so that the profile can name a file in it. A profile that names
            another path each time would make dbt parse the whole project each time.
        on_progress: Called after every node.

    Raises:
        UsageError: The disk is full.
        SselfieError: dbt ended before it ran any node; the message holds what it said.
    """
    project = resource_dir("dbt_project")
    results_file = target_path / "run_results.json"
    results_file.unlink(missing_ok=True)
    token = token_hex(8)
    arguments = [
        *(sys.executable, "-P", str(PROCESS)),
        *command,
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target", target, "--target-path", str(target_path), "--log-path", str(target_path)),
    ]
    said: list[str] = []
    with subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=child_environment(
            "PYTHON", "PGSSL", **{"PYTHONWARNINGS": "ignore", TOKEN: token, **environment}
        ),
    ) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101  # pipes
        try:
            with suppress(BrokenPipeError):  # it has ended, and says why
                process.stdin.write(json.dumps(dict(variables), sort_keys=True))
                process.stdin.close()
            for event in _read_events(process.stdout):
                _follow(event, said, on_progress)
        except BaseException:
            process.kill()  # it writes a private copy, which nobody is going to publish
            raise
    try:
        document = json.loads(results_file.read_text())
    except (FileNotFoundError, ValueError):
        words = " ".join(" ".join(said or ["it said nothing"]).split())
        raise explain_storage(words) or SselfieError(f"dbt {command[0]} failed: {words}") from None
    if document["metadata"]["env"].get(TOKEN.removeprefix(ENV_PREFIX)) != token:
        raise SselfieError(
            f"{results_file} was written by another dbt", remedy="wait until that has ended"
        )
    return [
        NodeResult(
            result["unique_id"],
            result["status"],
            without_plan(result["message"] or ""),
            result["execution_time"],
            result["failures"],
        )
        for result in document["results"]
    ]


def without_plan(message: str) -> str:
    """Return what Spark says of an error, without the plan and the stack of the JVM below it."""
    return _PLAN.sub(r"\1", message).strip()


def _read_events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            event = {}
        if isinstance(event, dict) and "info" in event:
            yield event
        else:  # whoever it is, dbt or a library of an engine, it is no event
            yield {"info": {"level": "error", "name": "", "msg": line.strip()}, "data": {}}


def _follow(event: dict[str, Any], said: list[str], on_progress: Progress | None) -> None:
    info, data = event["info"], event.get("data", {})
    if info["level"] == "error" and info["msg"]:
        said.append(info["msg"].strip())
    if on_progress and info["name"] in ("LogModelResult", "LogTestResult", "LogSeedResult"):
        total = data["num_models" if info["name"] == "LogTestResult" else "total"]
        on_progress(data["index"], total, data["node_info"]["node_name"])
