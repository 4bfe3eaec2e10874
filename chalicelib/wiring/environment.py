"""The environment's one ``Arena``: built at the first request, and anew when its secret changes."""

import os
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Final

from chalicelib import settings as settings_module
from chalicelib.errors import Unavailable
from chalicelib.observability import logger
from chalicelib.wiring.secrets import secrets_manager
from chalicelib.wiring.services import Arena

SECRET_RETRY_SECONDS: Final = 30
"""After a failed refresh, how long the last value is used without asking: requests must not queue up behind it."""

SecretSource = Callable[[str], Mapping[str, str]]


class Wiring:
    """Holds the environment's ``Arena`` and replaces it when its secret changes."""

    def __init__(
        self,
        environ: Mapping[str, str],
        secret_source: SecretSource = secrets_manager,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environ = environ
        self._secret_source = secret_source
        self._monotonic = monotonic
        self._refresh_after = 0.0
        self._lock = Lock()
        self._arena: Arena | None = None
        self._secrets: Mapping[str, str] | None = None

    def arena(self) -> Arena:
        """The current arena.

        Raises ``SettingsError`` while the settings can't be used, ``Unavailable`` while there is no secret yet.
        """
        with self._lock:
            secrets = self._read_secrets()
            if self._arena is None or secrets != self._secrets:
                settings = settings_module.load(self._environ, secrets)
                for warning in settings.warnings:
                    logger().warning("setting accepted with a warning", warning=warning)
                if self._arena is not None:
                    self._arena.close()
                self._arena, self._secrets = Arena(settings), secrets
            return self._arena

    def _read_secrets(self) -> Mapping[str, str] | None:
        secret_id = self._environ.get("ARENA_SECRET_ID", "").strip()
        if not secret_id:
            return None
        if self._secrets is not None and self._monotonic() < self._refresh_after:
            return self._secrets
        try:
            return self._secret_source(secret_id)
        except Exception as error:
            logger().exception("secret not readable")
            if self._secrets is None:
                raise Unavailable("secrets_unavailable", "the service is starting", retry_after_seconds=2) from error
            # What was read before still works unless it was revoked, and then the database says so.
            self._refresh_after = self._monotonic() + SECRET_RETRY_SECONDS
            return self._secrets


_installed: Wiring | None = None


def arena() -> Arena:
    """The arena of this execution environment."""
    global _installed
    if _installed is None:
        _installed = Wiring(os.environ)
    return _installed.arena()


def install(wiring: Wiring | None) -> None:
    """Puts another wiring in place (tests, the command line); None forgets the current one."""
    global _installed
    _installed = wiring
