"""Deterministic archives: equal contents give an equal content hash, whatever the machine and the hour."""

import importlib.util
import shutil
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o644
_NEEDLESS_SUFFIXES: Final = frozenset({".pyc", ".pyi", ".c", ".h", ".pxd", ".pyx"})
_NEEDLESS_NAMES: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json"})
"""Installers' bookkeeping. METADATA stays (libraries look up versions) and so do licences."""


def remove_needless(site: Path) -> None:
    """Removes from an installed tree what no function reads: scripts, byte code, stubs, sources of extensions."""
    shutil.rmtree(site / "bin", ignore_errors=True)
    for folder in sorted(site.rglob("__pycache__")):
        shutil.rmtree(folder)
    for path in sorted(site.rglob("*")):
        in_metadata = path.parent.name.endswith(".dist-info")
        if path.is_file() and (path.suffix in _NEEDLESS_SUFFIXES or (in_metadata and path.name in _NEEDLESS_NAMES)):
            path.unlink()


def write_archive(target: Path, application: Path, dependencies: Path) -> None:
    """Writes ``target`` from two folders, sorted, with fixed times and modes; the application's files go first."""
    contents = dict(_files(dependencies)) | dict(_files(application))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE << 16
            archive.writestr(entry, contents[name].read_bytes())


def content_hash(archive: Path) -> str:
    """SHA-256 over names and contents, hexadecimal; unlike the file's own it does not depend on zlib's version.

    Of byte code, which is made of the sources, only what it is for counts: which compiler made it.
    """
    digest = sha256(importlib.util.MAGIC_NUMBER)
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            if not name.endswith(".pyc"):
                contents = opened.read(name)
                digest.update(f"{name}\0{len(contents)}\0".encode())
                digest.update(contents)
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path
