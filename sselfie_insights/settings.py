"""Settings: flag, then environment (``SSELFIE_…``), then ``sselfie.toml``, then default.

What a live database names otherwise than its document is said in sections of the file alone:
``[columns]`` takes effect where the mirror is written, so that nothing behind it knows another
name; ``[values]`` and ``[units]`` where staging reads it, so that the mirror stays comparable with
the source.
"""

import json
import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from sselfie_insights.clock import parse_instant
from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.owner_files import Currency
from sselfie_insights.setting_names import CONFIG_FILE as CONFIG_FILE
from sselfie_insights.setting_names import Tables, require_documented
from sselfie_insights.setting_types import (
    Duration,
    MailServer,
    Mode,
    Names,
    Schemas,
    SecretAddress,
    WebAddress,
    Weekday,
    Zone,
)

ENV_PREFIX = "SSELFIE_"


FILE_ONLY = frozenset({"tables", "columns", "values", "units", "mirror"})
"""Sections of ``sselfie.toml``: what they say does not fit into a variable."""

_REMOVED = {
    "cron_record_url": "the source is never written to; the monitor at ping_url hears of every run"
}
"""Settings of version 0.1, and what became of them."""


class Settings(BaseModel):
    """What a run needs to know; every field is ``SSELFIE_<NAME>`` and a key of ``sselfie.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: SecretStr | None = Field(
        None,
        description="The source database, `postgresql://user@host:5432/name`. Never a flag; in"
        " `sselfie.toml` without the password, which may be in `~/.pgpass`.",
    )
    warehouse: Path = Field(Path("warehouse.duckdb"), description="The published DuckDB file.")
    output_dir: Path = Field(Path("out"), description="The folder for reports and exports.")
    site_mode: Mode = Field(
        "600",
        description="Who may read the site's files, as chmod writes it: `644` for a web server or a"
        " shared drive. Folders get the matching right to enter. The warehouse, exports and the"
        " journal stay `600`.",
    )
    as_of: str | None = Field(
        None,
        description="Leave out everything after this instant; a date means the end of that day."
        " By default the last sync.",
    )
    timezone: Zone = Field("UTC", description="The reporting time zone, such as `Europe/Oslo`.")
    week_start: Weekday = Field(
        "monday", description="The weekday on which a week begins, wherever weeks are counted."
    )
    max_age: Duration = Field(
        None,
        description="Data read longer ago than this (`90m`, `26h`, `2d`) is stale: pages carry a"
        " banner and commands exit 5. By default never.",
    )
    keep_publications: int = Field(7, ge=1, description="How many publications to keep.")
    keep_exports: int = Field(7, ge=1, description="How many dated exports to keep.")
    keep_for: Duration = Field(
        "90d", description="The longest time to keep publications and dated exports."
    )
    ping_url: SecretAddress = Field(
        None,
        description="A URL to POST to when a run starts and ends; `{event}` in it becomes `start`"
        " or the exit code.",
    )
    site_url: WebAddress = Field(
        None,
        description="Where readers find the site, `https://reports.example.com`; the digest links"
        " to it. By default it links nowhere.",
    )
    digest_day: Weekday = Field(
        "monday", description="From which day of the week on `run --digest` sends it, once a week."
    )
    digest_to: Names = Field(
        (), description="The addresses that get the digest as mail, comma-separated."
    )
    digest_from: str | None = Field(
        None, description="The address that the digest comes from. By default the first recipient."
    )
    smtp_url: MailServer = Field(
        None,
        description="The server that sends the digest: `smtps://user:password@host`, or `smtp://…`,"
        " which must offer STARTTLS unless it is this machine.",
    )
    digest_webhook: SecretAddress = Field(
        None,
        description="A chat webhook that gets the digest: Slack's own form on `hooks.slack.com`,"
        " elsewhere JSON whose `text` is the message.",
    )
    source_schemas: Schemas = Field(
        ("public",), description="The schemas to mirror, comma-separated; the first becomes `raw`."
    )
    migrations: Path | None = Field(
        None, description="Your folder of migrations. By default the packaged ones."
    )
    internal_accounts: Names = Field(
        (),
        description="Accounts that are not customers: ids or e-mail addresses, comma-separated.",
    )
    internal_domains: Names = Field(
        ("test", "internal", "example", "invalid"),
        description="E-mail domains, or last labels of domains, that are not customers.",
    )
    grace_days: int = Field(
        14,
        ge=0,
        le=365,
        description="A renewal this many days late still continues the membership; 0 to 365.",
    )
    spend_paid_credits_first: bool = Field(
        False, description="Use bought credits before granted ones, instead of the oldest first."
    )
    discount_rate: float = Field(
        0.01,
        ge=0.001,
        le=0.2,
        description="The monthly discount rate of lifetime values; 0.001 to 0.2.",
    )
    reporting_currency: Currency | None = Field(
        None,
        description="The currency, such as `usd`, that `revenue/one_currency` converts amounts to,"
        " by the rates of `rates.csv`. By default none.",
    )
    holdout_percent: int = Field(
        10,
        ge=0,
        le=90,
        description="The percentage of a segment that an export holds out as a control group; 0"
        " to 90.",
    )
    checks: Path | None = Field(
        None,
        description="Your file of check severities. By default `checks.yml` in the working"
        " directory, if there is one.",
    )

    tables: Tables = Field(
        Tables(),
        description="`leave_out`: names or patterns of tables to leave out of the mirror."
        ' `renamed`: tables, the documented name first: `renamed.stripe_payments = "Payment"`.',
    )
    columns: dict[str, dict[str, str]] = Field(
        {},
        description='Renamed columns, the documented name first: `subscriptions.status = "state"`.',
    )
    values: dict[str, dict[str, dict[str, str]]] = Field(
        {},
        description="Values that are read as documented ones:"
        ' `stripe_payments.payment_type = {paid_blueprint = "one_time_session"}`.',
    )
    units: dict[str, dict[str, Literal["minor", "major"]]] = Field(
        {},
        description="Whether amounts are in minor units, such as cents, or in major ones, such as"
        ' dollars: `stripe_payments.amount_cents = "major"`. Needed where they are no integers.',
    )

    mirror: dict[str, dict[str, dict[str, bool]]] = Field(
        {},
        description="Whether a column is mirrored that the documentation does not know, whatever it"
        " looks like: `public.audit_log.token_kind = true`.",
    )

    lake_url: str | None = Field(
        None,
        description="Where the lake lies that `lake push` writes and `build --target spark` reads:"
        " a folder, or an address that begins with `s3://`, `gs://`, `abfss://` or `hdfs://`.",
    )
    spark_remote: SecretStr | None = Field(
        None,
        description="The address of Spark Connect, `sc://host:15002`, with `;token=…` where it asks"
        " for one.",
    )

    stripe_exports: Path | None = Field(
        None, description="The folder of Stripe's exports, which every sync reads; default: none."
    )
    stripe_timezone: Zone | None = Field(
        None, description="The zone of exports whose times name none; default: the reporting zone."
    )

    def require_database_url(self) -> str:
        """Return the source's connection string.

        Raises:
            UsageError: None is set, or it cannot be understood.
        """
        if self.database_url is None:
            raise UsageError(
                "no database URL",
                remedy=f"set {ENV_PREFIX}DATABASE_URL, e.g. postgresql://reader@host/dbname",
            )
        from sselfie_insights.postgres import drop_foreign_parameters, parse_url

        url, _ = drop_foreign_parameters(self.database_url.get_secret_value())
        parse_url(url)
        return url

    def require_lake_url(self) -> str:
        """Return where the lake lies.

        Raises:
            UsageError: The setting is missing.
        """
        if not self.lake_url:
            raise UsageError(
                "no lake", remedy=f"set {ENV_PREFIX}LAKE_URL, e.g. s3://bucket/sselfie or a folder"
            )
        return self.lake_url

    def require_spark_remote(self) -> str:
        """Return the address of Spark Connect.

        Raises:
            UsageError: The setting is missing.
        """
        if not self.spark_remote:
            raise UsageError(
                "no Spark", remedy=f"set {ENV_PREFIX}SPARK_REMOTE, e.g. sc://localhost:15002"
            )
        return self.spark_remote.get_secret_value()

    def describe_foreign_parameters(self) -> str:
        """Return what of the database URL is not libpq's, and left out; empty if nothing is.

        Raises:
            UsageError: It cannot be understood.
        """
        from sselfie_insights.postgres import drop_foreign_parameters

        url = self.database_url.get_secret_value() if self.database_url else ""
        _, foreign = drop_foreign_parameters(url)
        note = f"left out of the database URL: {', '.join(foreign)}" if foreign else ""
        if any(part.startswith("schema=") for part in foreign):
            note += f"; the schemas to read are those of {ENV_PREFIX}SOURCE_SCHEMAS"
        return note


def load_settings(**flags: Any) -> Settings:
    """Return the settings in force; a flag of None was not given.

    Raises:
        UsageError: A value is wrong; the message names it and where it was set.
    """
    return _load(flags)[0]


def describe_settings() -> list[tuple[str, str, str]]:
    """Return (name, value, source) of every setting, as text; a secret's value is hidden.

    Raises:
        UsageError: A value is wrong.
    """
    settings, sources = _load({})
    rows = []
    for name, value in settings:
        rows.append((name, _write(value), sources.get(name, "default")))
    return rows


def _write(value: object) -> str:
    """Return the value of a setting as text; of a section, empty where it says nothing."""
    if isinstance(value, Tables):
        shown = [*value.leave_out, *(f"{name} = {it}" for name, it in value.renamed.items())]
        return ",".join(shown)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return ",".join(value) if isinstance(value, tuple) else str("" if value is None else value)


def _load(flags: dict[str, Any]) -> tuple[Settings, dict[str, str]]:
    """The settings in force, and where each that is no default was set."""
    file = _read_file()
    environment = {
        name: value
        for name in Settings.model_fields
        if name not in FILE_ONLY and (value := os.environ.get(_variable(name)))
    }
    given = {name: value for name, value in flags.items() if value is not None}
    sources = (
        dict.fromkeys(file, str(CONFIG_FILE))
        | {name: _variable(name) for name in environment}
        | dict.fromkeys(given, "the command line")
    )
    try:
        settings = Settings(**(file | environment | given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        where = f"correct it in {sources[name]}"
        if first["type"] == "extra_forbidden" and name == "tables":
            key = str(first["loc"][1])
            raise UsageError(
                f"[tables]: there is no {key!r}{nearest(key, Tables.model_fields)}", remedy=where
            ) from None
        if first["type"] == "extra_forbidden" and name in _REMOVED:
            raise UsageError(
                f"the setting {name!r} was removed: {_REMOVED[name]}",
                remedy=f"run: sed -i '/^{name} *=/d' {sources[name]}",
            ) from None
        if first["type"] == "extra_forbidden":
            raise UsageError(
                f"there is no setting {name!r}{nearest(name, Settings.model_fields)}",
                remedy=where,
            ) from None
        reason = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"setting {name!r} is wrong: {reason}", remedy=where) from None
    if settings.as_of is not None:
        parse_instant(settings.as_of, settings.timezone)
    require_documented(
        settings.tables, settings.columns, settings.values, settings.units,
        settings.mirror.get(settings.source_schemas[0], {}),
    )  # fmt: skip
    return settings, sources


def _variable(name: str) -> str:
    return f"{ENV_PREFIX}{name.upper()}"


def _read_file() -> dict[str, Any]:
    try:
        if CONFIG_FILE.exists() and not CONFIG_FILE.is_file():  # a pipe would be waited for
            raise UsageError(f"{CONFIG_FILE} is no regular file", remedy="move it away")
        return tomllib.loads(CONFIG_FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{CONFIG_FILE} cannot be read: {error}") from None
