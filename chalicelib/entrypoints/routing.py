"""What a route is, as data: its declaration, the call its handler receives, the reply it gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib import wiring
from chalicelib.arena.initdata import Identity
from chalicelib.entrypoints.validation import Field


@dataclass(frozen=True, slots=True)
class Call:
    """One request, parsed: ``body``, ``query`` and ``path`` hold validated fields only."""

    request_id: str
    headers: Mapping[str, str]
    identity: Identity | None
    sent: Mapping[str, Any]
    """The JSON object as the client sent it, unvalidated."""
    body: Mapping[str, Any]
    query: Mapping[str, Any]
    path: Mapping[str, str]
    environment: wiring.Arena | None
    client_address: str = ""
    """As the gateway or a trusted proxy saw it, never what the client says; of an IPv6 address its /64."""
    operator_email: str | None = None

    @property
    def arena(self) -> wiring.Arena:
        """The environment's services. Not on standalone routes."""
        if self.environment is None:
            raise RuntimeError("this route is standalone")
        return self.environment

    @property
    def telegram_id(self) -> str:
        """The player's id. Only on routes that authenticate."""
        if self.identity is None:
            raise RuntimeError("this route does not authenticate")
        return self.identity.telegram_id

    @property
    def operator(self) -> str:
        """The operator's e-mail address. Only on operator routes."""
        if self.operator_email is None:
            raise RuntimeError("this is no operator route")
        return self.operator_email


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose status or headers differ from 200 and none; text is sent as it is."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route promises when it succeeds: a shape of ``schemas`` by name, and the status."""

    shape: str | None
    """None = no body."""
    status: int = 200
    media_type: str | None = None
    """Of an answer sent as it is. None = JSON in the envelope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A declared route: what its requests are checked against, and what its document says."""

    method: str
    path: str
    authenticated: bool
    operator: bool
    operator_sign_in: bool
    standalone: bool
    at_home: bool
    """Whether only the player's home region answers; asked before the handler is called."""
    rate_class: str
    """Which limits hold for it: a key of ``rate_limits.RATE_CLASSES``."""
    body: Mapping[str, Field]
    query: Mapping[str, Field]
    handler: Handler
    summary: str
    answers: tuple[Answer, ...]
    refusals: Mapping[int, tuple[str, ...]]
    """Error codes of its own by status, beside those every route of its kind has."""
