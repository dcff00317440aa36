from pathlib import Path

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.settings import describe_settings, load_settings


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_flag_beats_the_environment_which_beats_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sselfie.toml").write_text('timezone = "Europe/Oslo"\ngrace_days = 3\noutput_dir = "a"\n')
    monkeypatch.setenv("SSELFIE_GRACE_DAYS", "5")
    monkeypatch.setenv("SSELFIE_OUTPUT_DIR", "b")
    settings = load_settings(output_dir=Path("c"), as_of=None)
    assert settings.timezone == "Europe/Oslo"
    assert settings.grace_days == 5
    assert settings.output_dir == Path("c")
    assert settings.warehouse == Path("warehouse.duckdb")


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSELFIE_INTERNAL_ACCOUNTS", "u1, owner@studio.com,,")
    assert load_settings().internal_accounts == ("u1", "owner@studio.com")


def test_every_setting_is_shown_with_its_source_and_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("sselfie.toml").write_text("grace_days = 3\n")
    monkeypatch.setenv("SSELFIE_DATABASE_URL", "postgresql://me:hunter2@host/db")
    rows = {name: (value, source) for name, value, source in describe_settings()}
    assert rows["database_url"] == ("**********", "SSELFIE_DATABASE_URL")
    assert rows["grace_days"] == ("3", "sselfie.toml")
    assert rows["timezone"] == ("UTC", "default")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SSELFIE_GRACE_DAYS", "soon", "setting 'grace_days' is wrong"),
        ("SSELFIE_GRACE_DAYS", "-1", "setting 'grace_days' is wrong"),
        ("SSELFIE_TIMEZONE", "Mars/Olympus", "unknown time zone"),
        ("SSELFIE_AS_OF", "tomorrow", "'tomorrow' is not an instant"),
    ],
)
def test_a_wrong_value_is_named(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=message):
        load_settings()


def test_a_key_that_is_no_setting_is_refused() -> None:
    Path("sselfie.toml").write_text("time_zone = 'UTC'\n")
    with pytest.raises(
        UsageError, match=r"no setting 'time_zone'; did you mean 'timezone'\?.*sselfie\.toml"
    ):
        load_settings()


def test_a_file_that_is_no_toml_is_refused() -> None:
    Path("sselfie.toml").write_text("grace_days =\n")
    with pytest.raises(UsageError, match=r"sselfie\.toml cannot be read"):
        load_settings()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "columns.subscription.status = 'x'",
            "no documented table 'subscription'; did you mean",
        ),
        ("columns.subscriptions.stats = 'state'", r"subscriptions\.stats; did you mean 'status'"),
        ("values.users.created_at = {x = 'y'}", r"users\.created_at is timestamptz, and only text"),
        ("values.subscriptions.status = {x = 'y'}", "'y' is no documented value.*one of: active"),
        ("tables.renamed.subscription = 'x'", "no documented table 'subscription'; did you mean"),
        (
            "units.stripe_payments.status = 'major'",
            r"stripe_payments\.status is no amount of money",
        ),
        ("units.stripe_payments.amount_cents = 'dollars'", "Input should be 'minor' or 'major'"),
        ("tables.left_out = ['x']", r"\[tables\]: there is no 'left_out'; did you mean"),
    ],
)
def test_a_name_for_what_no_document_knows_is_refused(line: str, message: str) -> None:
    Path("sselfie.toml").write_text(f"{line}\n")
    with pytest.raises(UsageError, match=message):
        load_settings()


def test_sections_are_shown_and_no_variable_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sselfie.toml").write_text(
        'tables.leave_out = ["audit_*", "crm.*"]\ncolumns.subscriptions.status = "state"\n'
    )
    monkeypatch.setenv("SSELFIE_VALUES", "nothing")
    rows = {name: (value, source) for name, value, source in describe_settings()}
    assert rows["tables"] == ("audit_*,crm.*", "sselfie.toml")
    assert rows["columns"] == ('{"subscriptions": {"status": "state"}}', "sselfie.toml")
    assert rows["values"] == ("", "default")
