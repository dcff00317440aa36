"""The answers of `Assistant` as tools and resources of the Model Context Protocol."""

import json
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from sselfie_insights import __version__
from sselfie_insights.errors import SselfieError, UsageError
from sselfie_insights.mcp.answers import INSTRUCTIONS, Answer, Assistant, read_definitions

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer


def build_server(assistant: Assistant) -> "MCPServer[Any]":
    """Return a server whose tools are the questions that ``assistant`` answers.

    Its ``run()`` speaks over stdin and stdout.

    Raises:
        UsageError: The package's extra ``mcp`` is not installed.
    """
    try:
        from mcp.server.mcpserver import MCPServer
        from mcp.types import ToolAnnotations
    except ImportError:
        raise UsageError(
            "the MCP server needs a package more", remedy="pip install 'sselfie-insights[mcp]'"
        ) from None
    server: MCPServer[Any] = MCPServer(
        "sselfie", version=__version__, instructions=INSTRUCTIONS, log_level="ERROR"
    )
    hints = ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    for question in (
        assistant.list_metrics,
        assistant.describe_metric,
        assistant.run_metric,
        assistant.list_reports,
        assistant.show_report,
        assistant.explain_month,
        assistant.list_alerts,
        assistant.count_segments,
    ):
        server.add_tool(_in_words(question), annotations=hints)
    for name, read in (("definitions", read_definitions), ("freshness", assistant.read_freshness)):
        server.resource(
            f"sselfie://{name}", name=name, description=read.__doc__, mime_type="application/json"
        )(_as_json(read))
    return server


def _in_words(question: Callable[..., Answer]) -> Callable[..., Answer]:
    """Return ``question`` with our errors as the protocol's: message and remedy, no traceback."""
    from mcp.server.mcpserver.exceptions import ToolError

    @wraps(question)
    def ask(*args: Any, **kwargs: Any) -> Answer:
        try:
            return question(*args, **kwargs)
        except SselfieError as error:
            raise ToolError(str(error)) from None

    return ask


def _as_json(read: Callable[[], Answer]) -> Callable[[], str]:
    def write() -> str:
        return json.dumps(read(), ensure_ascii=False)

    return write
