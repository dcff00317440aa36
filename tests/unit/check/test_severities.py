from pathlib import Path

import pytest

from sselfie_insights.check.rules import list_checks
from sselfie_insights.check.severities import load_severities
from sselfie_insights.contract import load_contract
from sselfie_insights.errors import UsageError
from sselfie_insights.settings import Settings, load_settings

NAMES = [check.name for check in list_checks(load_contract())]


def settings_with(folder: Path, text: str) -> Settings:
    path = folder / "severities.yml"
    path.write_text(text, encoding="utf-8")
    return load_settings(checks=path)


def test_names_are_distinct() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_the_defaults_know_every_check_and_every_line_of_theirs_is_about_one() -> None:
    severities = load_severities(load_settings())

    assert {severities.of("mirror", name) for name in NAMES} == {"error", "warn"}
    for line in severities.lines:
        assert line.suite == "marts" or any(line.matches("mirror", name) for name in NAMES), line


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("unique.users.id", "error"),
        ("volume.users", "error"),
        ("volume.admin_cron_runs", "warn"),
        ("volume.maya_chat_messages", "warn"),
        ("unique.waitlist.id", "warn"),
        ("unique.stripe_payments.stripe_payment_id", "warn"),
        ("not_null.users.id", "warn"),
        ("not_null.credit_transactions.user_id", "warn"),
        ("accepted_values.stripe_payments.status", "error"),
        ("accepted_values.stripe_payments.payment_type", "warn"),
        ("accepted_values.subscriptions.status", "warn"),
        ("accepted_values.credit_transactions.transaction_type", "warn"),
        ("type.stripe_payments.amount_cents", "error"),
        ("type.subscriptions.created_at", "warn"),
        ("future.stripe_payments.payment_date", "warn"),
        ("accepted_values.maya_chats.chat_type", "warn"),
        ("range.stripe_payments.amount_cents", "warn"),
        ("foreign_key.stripe_payments.user_id", "warn"),
        ("freshness.stripe_payments", "warn"),
    ],
)
def test_default_severities(name: str, severity: str) -> None:
    assert load_severities(load_settings()).of("mirror", name) == severity


def test_lines_of_the_user_come_after_the_defaults_and_the_last_one_wins(tmp_path: Path) -> None:
    settings = settings_with(
        tmp_path,
        "mirror:\n  'freshness.*': error\n  freshness.maya_chats: warn\n"
        "marts:\n  members_balance: warn\n",
    )
    severities = load_severities(settings)

    assert severities.of("mirror", "freshness.users") == "error"
    assert severities.of("mirror", "freshness.maya_chats") == "warn"
    assert severities.of("mirror", "unique.users.id") == "error"
    assert severities.of("marts", "members_balance") == "warn"
    assert severities.of("marts", "mrr_movements_balance", "error") == "error"


def test_a_file_in_the_working_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("checks.yml").write_text("mirror:\n  unique.users.id: warn\n")

    assert load_severities(load_settings()).of("mirror", "unique.users.id") == "warn"


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'uniqe\.users\.id'.*mean 'unique\.users\.id'\?"):
        load_severities(settings_with(tmp_path, "mirror:\n  uniqe.users.id: warn\n"))


def test_names_of_tests_are_held_against_those_that_ran(tmp_path: Path) -> None:
    severities = load_severities(settings_with(tmp_path, "marts:\n  member_balance: warn\n"))

    with pytest.raises(UsageError, match="mean 'members_balance'"):
        severities.require_known("marts", ["members_balance", "mrr_movements_balance"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mirror:\n  unique.users.id: fatal\n", "'fatal' is no severity"),
        ("mirror:\n  unique.users.id:\n", "None is no severity"),
        ("mirrors:\n  unique.users.id: warn\n", "'mirrors' is no suite"),
        ("- unique.users.id\n", "holds no mapping"),
        ("mirror: warn\n", "'mirror' is no mapping"),
        ("mirror:\n  a: [\n", "is not YAML, line 3"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        load_severities(settings_with(tmp_path, text))

    assert "severities.yml" in str(error.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read: No such file.*see the setting 'checks'"):
        load_severities(load_settings(checks=tmp_path / "nowhere.yml"))
    path = tmp_path / "latin.yml"
    path.write_bytes(b"mirror:\n  caf\xe9: warn\n")
    with pytest.raises(UsageError, match="not text in UTF-8"):
        load_severities(load_settings(checks=path))


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    expected = load_severities(load_settings())

    assert load_severities(settings_with(tmp_path, "# nothing\n")) == expected
