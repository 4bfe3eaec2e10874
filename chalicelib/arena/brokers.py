"""Brokers: how a new one looks, and what training, repair, upgrade and combination do to one.

Effects are the fields to $set; ownership, locks and payment are the service's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.economy_config import config_number
from chalicelib.arena.energy import STARTER_ENERGY
from chalicelib.arena.engine import broker_level
from chalicelib.arena.jsnumber import clamp, js_round, to_number, whole_amount
from chalicelib.arena.stats import STATS
from chalicelib.errors import BadRequest, InternalError

STAT_MAX: Final = 100
REPAIRED_ENERGY: Final = 100
"""Whatever the configured maximum is."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of an action, always above 0."""

    currency: str
    amount: int


_COSTS: Final[Mapping[str, tuple[str, str]]] = {
    "train": ("NEUR", "trainNeurCost"),
    "repair": ("NEUR", "repairNeurCost"),
    "upgrade": ("AIBA", "upgradeAibaCost"),
    "combine": ("NEUR", "combineNeurCost"),
}


def action_cost(action: str, config: Mapping[str, Any]) -> Cost:
    """The price of ``action`` (train, repair, upgrade or combine).

    Raises InternalError when it is configured as 0 or less, KeyError for no such action.
    """
    currency, setting = _COSTS[action]
    amount = whole_amount(config_number(config, setting))
    if amount <= 0:
        raise InternalError("internal server error", details=f"{setting} must be above 0")
    return Cost(currency, amount)


def new_broker(
    telegram_id: str, now: datetime, metadata_uri_base: str = "", *, broker_id: Any = None
) -> dict[str, Any]:
    """A starter broker's document for its owner.

    ``metadata_uri_base`` is the public base URL (empty: none); the metadata address needs ``broker_id`` as well,
    which is then the document's ``_id``.
    """
    identified = broker_id is not None
    base = metadata_uri_base.rstrip("/")
    return {
        **({"_id": broker_id} if identified else {}),
        "ownerTelegramId": telegram_id,
        "risk": 50,
        "intelligence": 50,
        "speed": 50,
        "specialty": "crypto",
        "level": 1,
        "xp": 0,
        "energy": STARTER_ENERGY,
        "energyUpdatedAt": now,
        "lastBattleAt": None,
        "cooldowns": {},
        "anomalyFlags": 0,
        "banned": False,
        "banReason": "",
        "lastRequestId": "",
        "nftCollectionAddress": "",
        "nftItemAddress": "",
        "nftItemIndex": None,
        "metadataUri": f"{base}/api/metadata/brokers/{broker_id}" if base and identified else "",
        "guildId": None,
        "rentedByTelegramId": "",
        "rentedUntil": None,
        "createdWithTonTxHash": "",
        "createdAt": now,
        "updatedAt": now,
        "__v": 0,
    }


def train(broker: Mapping[str, Any], stat: str | None) -> dict[str, Any]:
    """``stat`` +1 and xp +5. Raises BadRequest("invalid stat")."""
    return _improved(broker, stat, points=1, xp=5)


def repair() -> dict[str, Any]:
    """Energy to 100 and no cooldowns."""
    return {"energy": REPAIRED_ENERGY, "cooldowns": {}}


def upgrade(broker: Mapping[str, Any], stat: str | None) -> dict[str, Any]:
    """``stat`` +2, level +1 and xp +10. Raises BadRequest("invalid stat")."""
    return {**_improved(broker, stat, points=2, xp=10), "level": broker_level(broker.get("level")) + 1}


def combine(base: Mapping[str, Any], sacrifice: Mapping[str, Any]) -> dict[str, Any]:
    """What ``base`` becomes when ``sacrifice`` is merged into it: mean stats, summed xp + 20."""
    stats = {stat: js_round(clamp((_stat(base, stat) + _stat(sacrifice, stat)) / 2, 0, STAT_MAX)) for stat in STATS}
    return {**stats, "xp": whole_amount(base.get("xp")) + whole_amount(sacrifice.get("xp")) + 20}


def require_different(base_id: str, sacrifice_id: str) -> None:
    """Raises BadRequest when both ids name one broker (hex case does not matter)."""
    if base_id.lower() == sacrifice_id.lower():
        raise BadRequest("base and sacrifice must be different brokers")


def known_stat(stat: str | None) -> str:
    """``stat``, one of STATS. Raises BadRequest("invalid stat") for anything else."""
    if stat not in STATS:
        raise BadRequest("invalid stat", details={"allowed": list(STATS)})
    return stat


def _improved(broker: Mapping[str, Any], stat: str | None, *, points: int, xp: int) -> dict[str, Any]:
    stat = known_stat(stat)
    value = clamp(_stat(broker, stat) + points, 0, STAT_MAX)
    return {stat: int(value) if value.is_integer() else value, "xp": whole_amount(broker.get("xp")) + xp}


def _stat(broker: Mapping[str, Any], stat: str) -> float:
    number = to_number(broker.get(stat))
    return 0.0 if math.isnan(number) else number
