"""The rules of the linter: how bad each finding is, and the form that does no harm."""

from pathlib import Path
from typing import Literal, NamedTuple

import yaml

Hazard = Literal["lock", "loss", "error", "style"]


class Rule(NamedTuple):
    """Why breaking it matters (see ``rules.yml``), and what to write instead."""

    hazard: Hazard
    safer_form: str


RULES = {
    name: Rule(hazard, safer_form)
    for hazard, rules in yaml.safe_load(
        Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")
    ).items()
    for name, safer_form in rules.items()
}

_LOSING = ("ban-drop", "ban-truncate", "ban-set-schema", "renaming")


def find_rule(name: str) -> Rule:
    """Return a rule, which may be one of squawk's."""
    if name in RULES:
        return RULES[name]
    if name.startswith(_LOSING):
        return Rule("loss", RULES["dropping-object"].safer_form)
    return Rule("lock", "see squawk's page on the rule")
