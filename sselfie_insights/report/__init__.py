"""Reports: YAML files that say what to show, evaluated once and drawn for terminal and browser."""

from sselfie_insights.report.blocks import Page
from sselfie_insights.report.definition import Report, load_report, load_reports
from sselfie_insights.report.headline import Tile
from sselfie_insights.report.page import build_page
from sselfie_insights.report.site import Site, read_headlines, render_site

__all__ = [
    "Page",
    "Report",
    "Site",
    "Tile",
    "build_page",
    "load_report",
    "load_reports",
    "read_headlines",
    "render_site",
]
