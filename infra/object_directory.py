"""Objects in a directory of this machine: backups on a disk of one's own."""

import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from chalicelib.backup.ports import NoSuchObject, Stored, StoreUnavailable

_UNFINISHED = ".unfinished-"


class DirectoryObjects:
    """``ObjectStore``: keys are paths below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def where(self) -> str:
        return str(self._root)

    def put(self, key: str, body: bytes) -> None:
        path = self._path(key)
        unfinished = path.with_name(f"{_UNFINISHED}{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise self._unavailable(error) from error

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoSuchObject(key) from error
        except OSError as error:
            raise self._unavailable(error) from error

    def list(self, prefix: str) -> Iterator[Stored]:
        """Whatever is no object of ours is left out."""
        begin = self._root / prefix.rpartition("/")[0]
        paths = (path for path in begin.rglob("*") if path.is_file() and not path.name.startswith(_UNFINISHED))
        found = sorted((path.relative_to(self._root).as_posix(), path) for path in paths)
        for key, path in found:
            if key.startswith(prefix):
                yield Stored(key, path.stat().st_size)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                self._path(key).unlink(missing_ok=True)
            except OSError as error:
                raise self._unavailable(error) from error

    def _path(self, key: str) -> Path:
        path = (self._root / key).resolve()
        if not path.is_relative_to(self._root.resolve()):
            raise StoreUnavailable(f"{key}: no key of this store")
        return path

    def _unavailable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(f"{self.where} did not do it: {error.strerror or type(error).__name__}")
