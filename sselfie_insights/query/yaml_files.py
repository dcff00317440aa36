"""What a YAML file of ours says, as pydantic reads it, or why it cannot."""

import shlex
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from sselfie_insights.errors import UsageError
from sselfie_insights.query.former import FORMER


def parse_yaml(model: Any, text: str, path: Path) -> Any:
    """Return ``model`` (a pydantic type) made from the YAML ``text`` of ``path``.

    Raises:
        UsageError: It is no YAML, or not as ``model`` says; the message names the key.
    """
    try:
        # libyaml reads it ten times as fast as Python does.
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} is not valid YAML: {reason}") from None
    try:
        return TypeAdapter(model).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top"
        if first["type"] == "extra_forbidden" and (former := FORMER.get(str(first["loc"][-1]))):
            raise UsageError(
                f"{path}: {where}: {former.reason}",
                remedy=former.remedy.format(path=shlex.quote(str(path))),
            ) from None
        reason = first["msg"].removeprefix("Value error, ").partition(" or instance of ")[0]
        raise UsageError(f"{path}: {where}: {reason}") from None
