"""Programs of the system that tests drive: where they are, and how missing ones get there.

Standard library only: this runs before anything is installed.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.errors import LocalCloudError

CHECKOUT = Path(__file__).resolve().parents[2]
UNPACKED = Path(".arena", "debian")
"""Below the checkout: packages unpacked rather than installed, a folder each."""
_MEBIBYTES = 1_200
_APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=600")
_UNPACK = 'mkdir -p "$1" && cd "$1" && apt-get download "$2" && dpkg-deb -x "$2"_*.deb . && rm "$2"_*.deb'


@dataclass(frozen=True)
class Program:
    """A program, Debian's package of it, and the variable that names one to be taken instead."""

    package: str
    variable: str
    commands: tuple[str, ...]
    unpacked: bool = False
    """Its package would start a daemon when installed, and runs as well from where it is unpacked."""


PROGRAMS: Mapping[str, Program] = {
    "chromium": Program("chromium", "ARENA_CHROMIUM", ("chromium", "chromium-browser", "google-chrome")),
    "chromedriver": Program("chromium-driver", "ARENA_CHROMEDRIVER", ("chromedriver",)),
    "prometheus": Program("prometheus", "ARENA_PROMETHEUS", ("prometheus",), unpacked=True),
    "promtool": Program("prometheus", "ARENA_PROMTOOL", ("promtool",), unpacked=True),
}


def program(name: str, checkout: Path = CHECKOUT) -> Path:
    """The executable ``name`` of PROGRAMS: the one its variable names, else on PATH, else unpacked in the checkout.

    Raises LocalCloudError naming the package.
    """
    wanted = PROGRAMS[name]
    found = _found(wanted, checkout)
    if found is None:
        raise LocalCloudError(
            f"no {name} was found: install Debian's package {wanted.package} (make test does, as root), "
            f"or name one by {wanted.variable}"
        )
    return found


@dataclass(frozen=True)
class SystemPackages:
    """The packages of PROGRAMS, brought up to date beside the environments; instant when nothing is missing."""

    checkout: Path
    programs: Mapping[str, Program] = field(default_factory=lambda: PROGRAMS)
    may_install: Callable[[], bool] = lambda: os.geteuid() == 0 and shutil.which("apt-get") is not None
    name: str = "system packages"

    @property
    def disk_mebibytes(self) -> int:
        return _MEBIBYTES if self.may_install() else 0

    def is_current(self) -> bool:
        return not self._missing()

    def build(self, run: Callable[[Sequence[str], Path], int], log: Callable[[str], None], log_file: Path) -> None:
        """Installs what is missing. Where that can't be done it says so: the tests that need it will fail."""
        missing = self._missing()
        packages = sorted({one.package for one in missing})
        if not self.may_install():
            log(f"{self.name}: {', '.join(packages)} can't be installed without root and apt-get: tests will miss them")
            return
        log_file.unlink(missing_ok=True)
        log(f"{self.name}: installing {', '.join(packages)}")
        installed = sorted({one.package for one in missing if not one.unpacked})
        commands = [[*_APT, "update"]]
        if installed:
            commands.append([*_APT, "install", "--yes", "--no-install-recommends", *installed])
        for package in sorted({one.package for one in missing if one.unpacked}):
            commands.append(["sh", "-euc", _UNPACK, "sh", str(self.checkout / UNPACKED / package), package])
        # An update that fails may leave lists that are good enough: what follows will tell.
        failed = [command for command in commands if run(command, log_file) != 0 and command[-1] != "update"]
        left = sorted({one.package for one in self._missing()})
        if failed or left:
            named = ", ".join(left) or failed[0][-1]
            log(f"{self.name}: {named} could not be installed, and tests will miss them; why: {log_file}")
        else:
            log(f"{self.name}: ready")

    def _missing(self) -> list[Program]:
        return [one for one in self.programs.values() if _found(one, self.checkout) is None]


def _found(wanted: Program, checkout: Path) -> Path | None:
    named = os.environ.get(wanted.variable)
    if named:
        return Path(named)
    folder = str(checkout / UNPACKED / wanted.package / "usr" / "bin")
    for path in (None, folder):
        for command in wanted.commands:
            found = shutil.which(command, path=path)
            if found:
                return Path(found)
    return None
