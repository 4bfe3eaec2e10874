"""The day's emission counter, split so that players on different stripes never wait for each other.

One counter document that every battle increments serialises the whole game. Here a UTC day has several
documents (*stripes*); an environment prefers one of them. For every capped scope (a currency, or a
currency in an arena with its own cap) a stripe holds what it has emitted and ``left``, its private
allowance, together with the *terms* (all caps of the currency) the allowances were shared out under.
Over all stripes of a day, for each scope of those terms,

    sum(emitted) + sum(left) == cap        (or sum(left) == 0 once emitted >= a lowered cap)

so no set of stripes, spending independently, can emit more than the cap together.

* Spending moves ``left`` to ``emitted`` within one stripe: no other stripe is read or written.
* A stripe whose allowance is too small reads all stripes and takes some from the richest others, as few
  as will do. The split follows what both have emitted today, so a busy stripe drains an idle one and two
  equally busy ones share. An allowance too small for one reward is collected from several stripes, so
  every unit up to the cap stays usable.
* Creating the day, meeting other terms, or finding the sum wrong shares out ``cap - emitted`` anew and
  writes every stripe. Nothing is emitted under terms the stripe does not hold, also where an arena's cap
  was taken away: it may come back, and must then count what went between.

Why this is safe under snapshot isolation: spending and taking preserve the sum over the stripes they
write, so two such transactions either touch a common stripe (the store aborts one and runs it again) or
commute. Sharing out anew writes *every* stripe, existing or missing, so it collides with whatever else
emits that day.

What is emitted today only grows, so "no more than ``most`` remains" stays true until the terms change:
a stripe that learned it by reading all stripes refuses larger amounts later without reading them again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.arena.ports import Document, Update
from chalicelib.arena.stripes import Room, Scope, Terms, emitted_field, field_key, stripe_id, stripe_update


@dataclass(slots=True)
class _Plan:
    """Intended changes of one stripe."""

    rooms: dict[Scope, Room] = field(default_factory=dict)
    emitted: dict[str, int] = field(default_factory=dict)


class Day:
    """The stripes of one UTC day as one transaction sees them, and what it intends to change.

    Starts from the preferred stripe alone and reads the others, once, only when that does not suffice. Whatever is
    found unshared then is shared out together, so that it happens once a day.
    """

    def __init__(
        self,
        *,
        day: str,
        own: Document | None,
        stripe: int,
        stripes_total: int,
        terms: Sequence[Terms],
        load_all: Callable[[], Sequence[Document]],
    ) -> None:
        if not 0 <= stripe < stripes_total:
            raise ValueError(f"stripe {stripe} is not one of {stripes_total}")
        self._day = day
        self._own = stripe
        self._total = stripes_total
        self._terms = {each.currency: each for each in terms}
        self._load_all = load_all
        self._stored: dict[int, Document] = {} if own is None else {stripe: own}
        self._plans: dict[int, _Plan] = {}
        self._loaded = False

    def spend(self, currency: str, arena: str, amount: int) -> bool:
        """Emits ``amount`` (> 0) of ``currency`` in ``arena`` if every cap on it allows, and nothing otherwise."""
        scopes = self._terms[currency].scopes_in(arena)
        if any(amount > scope.cap for scope in scopes):
            return False
        if any(self._left(self._own, scope) < amount for scope in scopes):
            if any(self._known_short(scope, amount) for scope in scopes):
                return False
            self._load()
            short = [scope for scope in scopes if self._emitted(scope) + amount > scope.cap]
            for scope in short:
                self._remember_short(scope)
            if short:
                return False
        for scope in scopes:
            self._take(scope, amount)
        self._count(currency, arena, amount)
        return True

    def updates(self) -> tuple[Update, ...]:
        """One write per stripe that changes, in stripe order (so that rivals meet at the same one first)."""
        return tuple(self._update(stripe, self._plans[stripe]) for stripe in sorted(self._plans))

    def _room(self, stripe: int, scope: Scope) -> Room | None:
        """The allowance as planned so far; None where the stripe does not hold the present terms."""
        plan = self._plans.get(stripe)
        if plan is not None and scope in plan.rooms:
            return plan.rooms[scope]
        stored = self._stored.get(stripe)
        if stored is None or not self._terms[scope.currency].held_by(stored):
            return None
        return Room.of(stored, scope) or Room(0)

    def _left(self, stripe: int, scope: Scope) -> int:
        room = self._room(stripe, scope)
        return room.left if room else 0

    def _known_short(self, scope: Scope, amount: int) -> bool:
        room = self._room(self._own, scope)
        return room is not None and room.most is not None and room.most < amount

    def _emitted(self, scope: Scope) -> int:
        stored = sum(scope.emitted_by(stripe) for stripe in self._stored.values())
        return stored + sum(plan.emitted.get(scope.emitted_path, 0) for plan in self._plans.values())

    def _set_room(self, stripe: int, scope: Scope, room: Room) -> None:
        self._plans.setdefault(stripe, _Plan()).rooms[scope] = room

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        self._stored = {int(stripe["stripe"]): stripe for stripe in self._load_all()}
        for terms in self._terms.values():
            if not self._shared(terms):
                for scope in terms.scopes():
                    self._share_out(scope)

    def _shared(self, terms: Terms) -> bool:
        if not self._stored or not all(terms.held_by(stripe) for stripe in self._stored.values()):
            return False
        return all(
            sum(self._left(stripe, scope) for stripe in self._stored) == max(0, scope.cap - self._emitted(scope))
            for scope in terms.scopes()
        )

    def _share_out(self, scope: Scope) -> None:
        remaining = max(0, scope.cap - self._emitted(scope))
        each, extra = divmod(remaining, self._total)
        for stripe in {*range(self._total), *self._stored}:
            # Stripes beyond the total are left over from a larger number of them: nobody prefers one any more.
            share = each + (1 if stripe < extra else 0) if stripe < self._total else 0
            self._set_room(stripe, scope, Room(share))

    def _remember_short(self, scope: Scope) -> None:
        room = self._room(self._own, scope) or Room(0)
        self._set_room(self._own, scope, replace(room, most=max(0, scope.cap - self._emitted(scope))))

    def _take(self, scope: Scope, amount: int) -> None:
        """Lowers the preferred stripe's allowance by ``amount``, first filling it up from others where needed."""
        room = self._room(self._own, scope) or Room(0)
        left = room.left
        for donor in self._donors(scope):
            if left >= amount:
                break
            donated = self._donation(scope, donor, left, amount)
            donor_room = self._room(donor, scope)
            if donor_room is not None:
                self._set_room(donor, scope, replace(donor_room, left=donor_room.left - donated))
            left += donated
        self._set_room(self._own, scope, replace(room, left=left - amount))

    def _donors(self, scope: Scope) -> list[int]:
        others = {stripe for stripe in (*self._stored, *self._plans) if stripe != self._own}
        # Among equals, the next stripe after ours: different takers then meet different donors.
        return sorted(
            others, key=lambda stripe: (-self._left(stripe, scope), (stripe - self._own) % self._total, stripe)
        )

    def _donation(self, scope: Scope, donor: int, own_left: int, amount: int) -> int:
        donor_left = self._left(donor, scope)
        pooled = own_left + donor_left
        if pooled <= amount:
            return donor_left
        own_weight = scope.emitted_by(self._stored.get(self._own, {})) + amount
        donor_weight = scope.emitted_by(self._stored.get(donor, {}))
        return max(amount, pooled * own_weight // (own_weight + donor_weight)) - own_left

    def _count(self, currency: str, arena: str, amount: int) -> None:
        emitted = self._plans.setdefault(self._own, _Plan()).emitted
        total = emitted_field(currency)
        # Counted for every arena, so that a cap given to one in the middle of the day knows what went before.
        for path in (total, f"{total}ByArena.{field_key(arena)}"):
            emitted[path] = emitted.get(path, 0) + amount

    def _update(self, stripe: int, plan: _Plan) -> Update:
        stored = self._stored.get(stripe)
        where: Document = {"_id": stripe_id(self._day, stripe)}
        sets: Document = {}
        increments: dict[str, int] = dict(plan.emitted)
        for scope, room in plan.rooms.items():
            terms = self._terms[scope.currency]
            before = Room.of(stored, scope) if stored is not None and terms.held_by(stored) else None
            if before is None:
                sets[terms.path] = terms.text
                sets[scope.room_path] = room.document()
                continue
            where[terms.path] = terms.text
            if room.left != before.left:
                increments[f"{scope.room_path}.left"] = room.left - before.left
            if room.left < before.left:
                where[f"{scope.room_path}.left"] = {"$gte": before.left - room.left}
            if room.most != before.most:
                sets[f"{scope.room_path}.most"] = room.most
        change: Document = {}
        if sets:
            change["$set"] = sets
        if increments:
            change["$inc"] = increments
        if not change:
            # Its share is what it had. It must collide all the same, and an update that says nothing replaces all.
            change["$inc"] = {"sharedAgain": 1}
        return stripe_update(where, change, self._day, stripe, upsert=stored is None)
