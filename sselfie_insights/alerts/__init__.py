"""Alerts: public numbers that crossed a line, or left their usual course, in one YAML file."""

from sselfie_insights.alerts.definition import Watch, load_watches
from sselfie_insights.alerts.evaluate import compute_alerts, evaluate

__all__ = ["Watch", "compute_alerts", "evaluate", "load_watches"]
