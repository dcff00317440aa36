"""Where a lake lies: a folder, or a bucket of an object store, and how it is read and written."""

import json
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from sselfie_insights.errors import StorageError, UsageError, first_line
from sselfie_insights.files import PRIVATE_MODE, make_folder, write_file

INSTALL = "pip install 'sselfie-insights[lake]'"


class Store:
    """The files of a lake, by their paths below its address.

    What Arrow's file systems know can hold a lake: folders, ``s3://``, ``gs://``, ``abfss://`` and
    ``hdfs://``; who may read it is said where each of them looks for that, as in the variables
    ``AWS_…``. A file appears whole or not at all.

    Args:
        address: The path of a folder, or the address of an object store. Spark's ``s3a://`` is
            ``s3://``.

    Raises:
        UsageError: The address is of no kind that is known, or Arrow is not installed.
    """

    def __init__(self, address: str) -> None:
        self._arrow = arrow = _import_arrow()
        self.address = address.rstrip("/")
        if "://" not in address:
            self.address = str(Path(address).resolve())
        readable = self.address.replace("s3a://", "s3://", 1)
        try:
            files, root = arrow.FileSystem.from_uri(readable)
        except (ValueError, OSError) as error:
            raise UsageError(
                f"the lake {address} cannot be opened: {first_line(error)}",
                remedy="set SSELFIE_LAKE_URL to a folder or to an s3://, gs://, abfss:// or hdfs://"
                " address",
            ) from None
        self._files = files
        self._root = root
        self.folder = Path(root) if files.type_name == "local" else None
        """The folder, where the lake is one."""

    def url(self, path: str) -> str:
        """Return how an engine reaches ``path``."""
        return f"{self.address}/{path}"

    def make(self, path: str) -> None:
        """Make a folder for its owner alone; object stores have none."""
        if self.folder:
            self._attempt("written", path, lambda: make_folder(Path(self._root, path)))

    def read(self, path: str) -> Any:
        """Return what the JSON file ``path`` says; None where there is none.

        Raises:
            StorageError: The lake cannot be read, or the file is no JSON.
        """
        if not self._attempt("read", path, lambda: self._exists(path)):
            return None
        content = self._attempt("read", path, lambda: self._read(path))
        try:
            return json.loads(content)
        except ValueError:
            raise StorageError(
                f"{self.url(path)} is damaged", remedy="delete it, and push the lake again"
            ) from None

    def write(self, path: str, document: object) -> None:
        """Write a JSON file in the place of what is there.

        Raises:
            StorageError: The lake cannot be written.
        """
        content = json.dumps(document, indent=1).encode()
        if self.folder:
            self.make(str(Path(path).parent))
            write_file(self.folder / path, content)
        else:
            self._attempt("written", path, lambda: self._write(path, content))

    def put(self, file: Path, path: str) -> None:
        """Move a local file into the lake.

        Raises:
            StorageError: The lake cannot be written.
        """
        if self.folder:
            target = self.folder / path
            self.make(str(Path(path).parent))
            beside = target.with_name(f".{target.name}")

            def move() -> None:
                shutil.move(file, beside)  # from one file system to another it is a copy
                beside.chmod(PRIVATE_MODE)
                beside.replace(target)

            self._attempt("written", path, move)
        else:
            self._attempt("written", path, lambda: self._upload(file, path))
            file.unlink()

    def fetch(self, path: str, folder: Path) -> list[Path]:
        """Return the Parquet files below ``path`` as local files, copied to ``folder`` if need be.

        Raises:
            StorageError: The lake cannot be read.
        """
        names = [name for name in self.list(path) if name.endswith(".parquet")]
        if self.folder:
            return [self.folder / name for name in names]
        local = [folder / f"{number}.parquet" for number, _ in enumerate(names)]
        for name, file in zip(names, local, strict=True):
            self._attempt("read", name, lambda name=name, file=file: self._download(name, file))
        return local

    def list(self, path: str) -> list[str]:
        """Return the paths of the files below ``path``, sorted.

        Raises:
            StorageError: The lake cannot be read.
        """
        below = self._arrow.FileSelector(self._path(path), recursive=True, allow_not_found=True)
        found = self._attempt("read", path, lambda: self._files.get_file_info(below))
        start = len(self._root.rstrip("/")) + 1
        return sorted(info.path[start:] for info in found if info.type is self._arrow.FileType.File)

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it; what is gone already is no error.

        Raises:
            StorageError: The lake cannot be written.
        """

        def remove() -> None:
            kind = self._files.get_file_info(self._path(path)).type
            if kind is self._arrow.FileType.File:
                self._files.delete_file(self._path(path))
            elif kind is self._arrow.FileType.Directory:
                self._files.delete_dir(self._path(path))

        self._attempt("written", path, remove)

    def _path(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}"

    def _exists(self, path: str) -> bool:
        return bool(self._files.get_file_info(self._path(path)).type is self._arrow.FileType.File)

    def _read(self, path: str) -> bytes:
        with self._files.open_input_stream(self._path(path)) as stream:
            return bytes(stream.read())

    def _write(self, path: str, content: bytes) -> None:
        with self._files.open_output_stream(self._path(path)) as stream:
            stream.write(content)

    def _upload(self, file: Path, path: str) -> None:
        with file.open("rb") as source, self._files.open_output_stream(self._path(path)) as stream:
            shutil.copyfileobj(source, stream, 1 << 22)

    def _download(self, path: str, file: Path) -> None:
        with self._files.open_input_stream(self._path(path)) as source, file.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 22)

    def _attempt(self, done: str, path: str, action: Any) -> Any:
        try:
            return action()
        except OSError as error:
            raise StorageError(
                f"{self.url(path)} cannot be {done}: {first_line(error)}",
                remedy="look at the address, at who may use it, and at the space",
            ) from None


def _import_arrow() -> Any:
    """Return Arrow's file systems, and leave them hidden where they were.

    The command hides Arrow, so that no library sends its data through it.

    Raises:
        UsageError: They are not installed.
    """
    modules: dict[str, Any] = sys.modules
    is_hidden = modules.get("pyarrow", modules) is None
    if is_hidden:
        del modules["pyarrow"]
    try:
        return import_module("pyarrow.fs")
    except ImportError:
        raise UsageError("a lake needs what is not installed", remedy=INSTALL) from None
    finally:
        if is_hidden:
            modules["pyarrow"] = None
