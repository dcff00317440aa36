"""Alerts: public numbers that crossed a line, or left their usual course, in one YAML file."""

from sselfie_insights.alerts.definition import Watch, load_watches
from sselfie_insights.alerts.evaluate import evaluate, require_judgeable

__all__ = ["Watch", "evaluate", "load_watches", "require_judgeable"]
