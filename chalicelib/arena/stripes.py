"""Stripes: the documents a UTC day's counters are split into, and how they are read and written.

Beside plain counters a stripe holds, per currency, the *terms* its allowances were shared out under and, per
capped scope, the allowance (*room*). ``chalicelib.arena.striped_day`` says what they are for.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from chalicelib.arena.jsnumber import whole_amount
from chalicelib.arena.ports import Document, Update

COLLECTION: Final = "economydays"
_UNSAFE: Final = frozenset(".$%:\0")


def stripe_id(day: str, stripe: int) -> str:
    """The _id of a stripe: fixed, so that two transactions creating it collide."""
    return f"{day}#{stripe}"


def field_key(name: str) -> str:
    """``name`` as a field name that can stand in an update path; percent-encoded where it could not."""
    return "".join(f"%{ord(char):02X}" if char in _UNSAFE else char for char in name) or "%"


def emitted_field(currency: str) -> str:
    """The stripe's field counting the day's emission of ``currency``."""
    return f"emitted{currency.capitalize()}"


@dataclass(frozen=True, slots=True)
class Scope:
    """A currency, or a currency within one arena, and how much of it a day may emit."""

    currency: str
    arena: str | None
    cap: int

    @property
    def key(self) -> str:
        """Its name under ``rooms``."""
        name = self.currency.lower()
        return name if self.arena is None else f"{name}:{field_key(self.arena)}"

    @property
    def room_path(self) -> str:
        """Where its allowance is in a stripe."""
        return f"rooms.{self.key}"

    @property
    def emitted_path(self) -> str:
        """Where its emission is counted in a stripe."""
        total = emitted_field(self.currency)
        return total if self.arena is None else f"{total}ByArena.{field_key(self.arena)}"

    def emitted_by(self, stripe: Mapping[str, Any]) -> int:
        """What the stripe document counts as emitted in this scope."""
        total = emitted_field(self.currency)
        if self.arena is None:
            return whole_amount(stripe.get(total))
        return whole_amount((stripe.get(f"{total}ByArena") or {}).get(field_key(self.arena)))


@dataclass(frozen=True)
class Terms:
    """Every cap on one currency, as configured at a time."""

    currency: str
    total: int
    by_arena: Mapping[str, int]

    @cached_property
    def text(self) -> str:
        """The caps in canonical form: equal exactly where they are."""
        return json.dumps([self.total, dict(self.by_arena)], sort_keys=True, separators=(",", ":"))

    @property
    def path(self) -> str:
        """Where a stripe keeps the text."""
        return f"terms.{self.currency.lower()}"

    def scopes(self) -> list[Scope]:
        """Every scope with a cap: the currency's own first."""
        arenas = (Scope(self.currency, arena, cap) for arena, cap in sorted(self.by_arena.items()))
        return [Scope(self.currency, None, self.total), *arenas]

    def scopes_in(self, arena: str) -> list[Scope]:
        """The scopes an emission in ``arena`` counts in."""
        return [scope for scope in self.scopes() if scope.arena in (None, arena)]

    def held_by(self, stripe: Mapping[str, Any] | None) -> bool:
        """Whether the stripe's allowances were shared out under these very terms."""
        held = (stripe or {}).get("terms") or {}
        return bool(held.get(self.currency.lower()) == self.text)


@dataclass(frozen=True, slots=True)
class Room:
    """A stripe's allowance in one scope."""

    left: int
    most: int | None = None
    """An upper bound on what all stripes together had left, when this stripe last looked."""

    @classmethod
    def of(cls, stripe: Mapping[str, Any], scope: Scope) -> "Room | None":
        """The room stored in the stripe document, whatever the terms."""
        stored = (stripe.get("rooms") or {}).get(scope.key)
        if not isinstance(stored, Mapping):
            return None
        most = stored.get("most")
        return cls(left=whole_amount(stored.get("left")), most=None if most is None else whole_amount(most))

    def document(self) -> Document:
        """As stored."""
        return {"left": self.left} | ({} if self.most is None else {"most": self.most})


def counters(day: str, stripe: int, increments: Iterable[tuple[str, int]]) -> Update:
    """Adds to plain counters of a stripe, creating it where needed."""
    return stripe_update({"_id": stripe_id(day, stripe)}, {"$inc": dict(increments)}, day, stripe, upsert=True)


def stripe_update(where: Document, change: Document, day: str, stripe: int, *, upsert: bool) -> Update:
    """A write to one stripe; an upsert also says which it is."""
    if upsert:
        change = {**change, "$setOnInsert": {"day": day, "stripe": stripe}}
    return Update(COLLECTION, where, change, upsert=upsert)
