"""Deterministic archives: equal contents give an equal content hash, whatever the machine and the hour."""

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
    """Writes ``target`` from Chalice's archive and the dependencies' folder, sorted, with fixed times and modes."""
    with zipfile.ZipFile(application) as packaged:
        contents = {name: packaged.read(name) for name in packaged.namelist() if not name.endswith("/")}
    for name, path in _files(dependencies):
        contents.setdefault(name, path.read_bytes())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE << 16
            archive.writestr(entry, contents[name])


def content_hash(archive: Path) -> str:
    """SHA-256 over names and contents, hexadecimal; unlike the file's own it does not depend on zlib's version."""
    digest = sha256()
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            contents = opened.read(name)
            digest.update(f"{name}\0{len(contents)}\0".encode())
            digest.update(contents)
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path
