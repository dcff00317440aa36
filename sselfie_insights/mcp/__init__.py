"""A Model Context Protocol server: an assistant asks the warehouse, and can change nothing."""

from sselfie_insights.mcp.answers import Assistant
from sselfie_insights.mcp.server import build_server

__all__ = ["Assistant", "build_server"]
