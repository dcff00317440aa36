"""SSELFIE Insights: exact analytics and retention reports for SSELFIE Studio."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sselfie_insights.notebook import Warehouse

__version__ = "0.3.0"
__all__ = ["Warehouse", "__version__"]


def __getattr__(name: str) -> object:
    """Import what takes time when it is asked for; every module asks for the version alone."""
    if name == "Warehouse":
        return import_module("sselfie_insights.notebook").Warehouse
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
