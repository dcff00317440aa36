"""SSELFIE Insights: exact analytics and retention reports for SSELFIE Studio."""

__version__ = "0.1.0"
