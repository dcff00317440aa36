"""SSELFIE Insights: exact analytics and retention reports for SSELFIE Studio."""

from importlib.metadata import version

__version__ = version("sselfie-insights")
