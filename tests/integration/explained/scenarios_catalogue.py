"""What operators publish, and operators' own reads and changes."""

from collections.abc import Callable
from typing import Any

from chalicelib.arena.economy_admin import EconomyAdmin
from chalicelib.arena.game_mode_admin import GameModeAdmin
from chalicelib.arena.operator_actions import By
from chalicelib.arena.ports import Document
from chalicelib.data.catalogue import MongoCatalogue
from chalicelib.data.operators import MongoOperators, MongoOperatorSnapshot, MongoSignInTries
from tests.integration.explained.registry import covers
from tests.integration.explained.town import FAR, MAIN, Town, inhabits, oid, stamped
from tests.worlds import NOON


@inhabits("operatoractions", 1500)
def _action(number: int) -> Document:
    return {**stamped(number), "operator": "o@example.org", "action": "game_mode.change", "entity": "game_mode"}


@inhabits("operatorsignins", 1500)
def _try(number: int) -> Document:
    return {"_id": f"key-{number}", "tries": [NOON], "expiresAt": FAR}


@covers(MongoCatalogue.enabled_modes)
def _(town: Town, enabled_modes: Callable[..., Any]) -> None:
    for arena in (None, "prediction"):
        for league in (None, "pro"):
            assert enabled_modes(arena, league)


@covers(MongoCatalogue.economy_config)
def _(town: Town, economy_config: Callable[..., Any]) -> None:
    assert economy_config()


@covers(MongoCatalogue.active_realms)
def _(town: Town, active_realms: Callable[..., Any]) -> None:
    assert active_realms()


@covers(MongoCatalogue.realm)
def _(town: Town, realm: Callable[..., Any]) -> None:
    assert realm("realm-1")


@covers(MongoSignInTries.note)
def _(town: Town, note: Callable[..., Any]) -> None:
    for key in ("key-5", "a new key"):
        note(key, NOON, kept=5, expires_at=FAR)


@covers(MongoOperatorSnapshot.mode)
def _(town: Town, mode: Callable[..., Any]) -> None:
    assert mode(str(oid("gamemodes", 3)))


@covers(MongoOperatorSnapshot.mode_of_key)
def _(town: Town, mode_of_key: Callable[..., Any]) -> None:
    assert mode_of_key("mode-3")


@covers(MongoOperatorSnapshot.economy_config)
def _(town: Town, economy_config: Callable[..., Any]) -> None:
    assert economy_config()


@covers(MongoOperators.new_id, silent="makes an id")
def _(town: Town, new_id: Callable[..., Any]) -> None:
    new_id()


@covers(MongoOperators.config_id, silent="a constant")
def _(town: Town, config_id: Callable[..., Any]) -> None:
    config_id()


@covers(MongoOperators.transact)
def _(town: Town, transact: Callable[..., Any]) -> None:
    operators: MongoOperators = transact.__self__  # type: ignore[attr-defined]  # a bound method
    by = By("o@example.org", "explained")
    modes = GameModeAdmin(operators, operators, town.world.clock)
    fields = {"key": "explained", "name": "e", "arena": "e"}
    made = modes.create(fields, by)
    modes.change(str(made["_id"]), {"energyCost": 5}, frozenset(), by)
    modes.delete(str(made["_id"]), by)
    modes.create(fields, by)
    EconomyAdmin(operators, operators, town.world.clock).change({"trainNeurCost": 5}, frozenset(), by)


@covers(MongoOperators.modes)
def _(town: Town, modes: Callable[..., Any]) -> None:
    assert modes(arena=None, league=None, enabled=None)
    assert modes(arena="prediction", league="pro", enabled=True)
    modes(arena=None, league="pro", enabled=False)


@covers(MongoOperators.economy_config)
def _(town: Town, economy_config: Callable[..., Any]) -> None:
    assert economy_config()


@covers(MongoOperators.ledger)
def _(town: Town, ledger: Callable[..., Any]) -> None:
    assert len(ledger(None, 50)) == len(ledger(MAIN, 50)) == 50


@covers(MongoOperators.actions)
def _(town: Town, actions: Callable[..., Any]) -> None:
    assert len(actions(50)) == 50
