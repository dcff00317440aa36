"""Look at every part of an installation, and name the remedy for what is wrong."""

from collections.abc import Iterator

from sselfie_insights.settings import Settings
from sselfie_insights.setup.doctor.finding import Finding

__all__ = ["Finding", "diagnose"]


def diagnose(settings: Settings) -> Iterator[Finding]:
    """Yield what is found of each part, from the installation over the source to the output.

    Nothing is changed: what a run would leave behind or publish stays as it is.
    """
    from sselfie_insights.setup.doctor.configuration import check_settings
    from sselfie_insights.setup.doctor.software import check_software
    from sselfie_insights.setup.doctor.source import check_source
    from sselfie_insights.setup.doctor.warehouse import check_warehouse

    yield from check_settings(settings)
    yield from check_software()
    yield from check_source(settings)
    yield from check_warehouse(settings)
