"""Whether the settings can be used, and hold no secret where others can read it."""

import stat
from collections.abc import Iterator

from sselfie_insights.price_list import describe_price_list
from sselfie_insights.rates import describe_rates
from sselfie_insights.settings import CONFIG_FILE, Settings, describe_settings
from sselfie_insights.setup.doctor.finding import Finding, attempt
from sselfie_insights.setup.init import find_password


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Yield what is found of the settings, which could be read."""
    given = [(name, source) for name, _, source in describe_settings() if source != "default"]
    listed = ", ".join(f"{name} ({source})" for name, source in given) or "all are the defaults"
    yield Finding("settings", "ok", listed)
    yield attempt("price list", describe_price_list)
    yield attempt("exchange rates", lambda: describe_rates(settings.reporting_currency))
    if ("database_url", str(CONFIG_FILE)) not in given or settings.database_url is None:
        return
    password = find_password(settings.require_database_url())
    if password and stat.S_IMODE(CONFIG_FILE.stat().st_mode) & 0o077:
        yield Finding(
            "password",
            "warning",
            f"others can read the password in {CONFIG_FILE}",
            f"move it to ~/.pgpass, or chmod 600 {CONFIG_FILE}",
        )
