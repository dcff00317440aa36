"""What the command makes of findings, and what it finds wrong with an installation."""

import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sselfie_insights.cli import app
from sselfie_insights.errors import ExitCode
from sselfie_insights.settings import Settings, load_settings
from sselfie_insights.setup import doctor
from sselfie_insights.setup.doctor import Finding
from sselfie_insights.setup.doctor.configuration import check_settings
from sselfie_insights.setup.doctor.software import check_software

FINDINGS = [
    Finding("one", "ok", "well"),
    Finding("two", "warning", "odd", "look"),
    Finding("three", "failed", "gone", "mend it", ExitCode.SOURCE),
    Finding("four", "failed", "gone, too", "mend it", ExitCode.STALE),
]


@pytest.fixture
def diagnosed(monkeypatch: pytest.MonkeyPatch) -> None:
    def diagnose(settings: Settings) -> Iterator[Finding]:
        yield from FINDINGS

    monkeypatch.setattr(doctor, "diagnose", diagnose)


@pytest.mark.usefixtures("diagnosed")
def test_a_line_a_part_and_the_code_of_the_first_failure() -> None:
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 3
    assert done.stdout.splitlines() == [
        "ok       one           well",
        "warning  two           odd: look",
        "failed   three         gone: mend it",
        "failed   four          gone, too: mend it",
    ]


@pytest.mark.usefixtures("diagnosed")
def test_the_same_as_json(tmp_path: Path) -> None:
    path = tmp_path / "doctor.json"
    done = CliRunner().invoke(app, ["doctor", "-o", str(path)])
    assert (done.exit_code, done.stdout) == (3, "")
    rows = json.loads(path.read_text())
    assert [Finding(**row) for row in rows] == FINDINGS


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = ["polars<2,>=1.40", "no-such-library>=1", "squawk-cli>=2; extra == 'lint'"]
    monkeypatch.setattr(metadata, "requires", lambda name: needed)
    first = next(check_software())
    assert first.state == "failed" and first.detail == "not installed: no-such-library"
    assert first.remedy.startswith("pip install")


def test_a_password_that_others_can_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sselfie.toml"
    path.write_text('database_url = "postgresql://me:hunter2@host/db"\n')
    path.chmod(0o644)
    settings, _, _, password = check_settings(load_settings())
    assert settings.detail == "database_url (sselfie.toml)"
    assert password.state == "warning" and "hunter2" not in password.detail + password.remedy
    path.chmod(0o600)
    assert len(list(check_settings(load_settings()))) == 3
