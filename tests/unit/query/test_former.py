"""Files of version 0.1: what has changed in them is refused with the command that mends it."""

import shlex
import subprocess
from pathlib import Path

import pytest

from sselfie_insights.alerts.definition import load_watches
from sselfie_insights.errors import UsageError
from sselfie_insights.query.library import parse_query
from sselfie_insights.settings import load_settings

QUERY = """/*
grain: One row per month.
title: Signups
description: Users who signed up in the month.
key: [month]
drill_down: engagement/first_steps
columns:
  month: {unit: month, description: The month of signup.}
*/
select date_trunc('month', signed_up_on) as month from marts.dim_users group by 1
"""
ALERTS = """alerts:
  - name: MRR
    query: revenue/mrr_movements
    column: closing_mrr_cents
    anomaly: {seasons: 4, direction: down, deviations: 2.5}
  - name: people
    query: engagement/active_users
    column: active_count
    anomaly:
      seasons: 1
      direction: up
"""


def mend(error: UsageError) -> None:
    """Do what the error says."""
    assert error.remedy.startswith("run: ")
    subprocess.run(shlex.split(error.remedy.removeprefix("run: ")), check=True)


def test_a_query_of_then_is_mended_by_the_command_named(tmp_path: Path) -> None:
    path = tmp_path / "my signups.sql"
    path.write_text(QUERY)
    with pytest.raises(UsageError, match="drill_down: it is called 'rows' now") as raised:
        parse_query("signups", path)
    mend(raised.value)
    assert parse_query("signups", path).rows == ("engagement/first_steps",)


def test_a_computed_query_is_refused_with_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "sizes.sql"
    path.write_text(QUERY.replace("drill_down: engagement/first_steps", "computed: segment_sizes"))
    with pytest.raises(UsageError, match="computed: every query is SQL now") as raised:
        parse_query("sizes", path)
    assert "sselfie query show growth/segment_sizes" in raised.value.remedy


def test_alerts_of_then_are_mended_by_the_commands_named(tmp_path: Path) -> None:
    path = tmp_path / "alerts.yml"
    path.write_text(ALERTS)
    for key in ("seasons", "deviations"):
        with pytest.raises(UsageError, match=f"{key}: ") as raised:
            load_watches(path)
        mend(raised.value)
    first, second = load_watches(path)
    assert first.anomaly is not None
    assert second.anomaly is not None
    assert (first.anomaly.direction, second.anomaly.direction) == ("down", "up")


def test_a_setting_of_then_is_mended_by_the_command_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sselfie.toml").write_text(
        'timezone = "Europe/Oslo"\ncron_record_url = "postgresql://writer@host/db"\n'
    )
    with pytest.raises(UsageError, match="'cron_record_url' was removed") as raised:
        load_settings()
    mend(raised.value)
    assert load_settings().timezone == "Europe/Oslo"
