"""A new broker, and what each action does to one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.arena import brokers
from chalicelib.errors import BadRequest, InternalError

NOW = datetime(2026, 11, 23, 7, 7, 14, 914000, tzinfo=UTC)
BROKER: dict[str, Any] = {"intelligence": 50, "speed": 99, "risk": 100, "level": 3, "xp": 7}


def test_a_new_broker() -> None:
    assert brokers.new_broker("777", NOW) == {
        "ownerTelegramId": "777",
        "risk": 50,
        "intelligence": 50,
        "speed": 50,
        "specialty": "crypto",
        "level": 1,
        "xp": 0,
        "energy": 10,
        "energyUpdatedAt": NOW,
        "lastBattleAt": None,
        "cooldowns": {},
        "anomalyFlags": 0,
        "banned": False,
        "banReason": "",
        "lastRequestId": "",
        "nftCollectionAddress": "",
        "nftItemAddress": "",
        "nftItemIndex": None,
        "metadataUri": "",
        "guildId": None,
        "rentedByTelegramId": "",
        "rentedUntil": None,
        "createdWithTonTxHash": "",
        "createdAt": NOW,
        "updatedAt": NOW,
        "__v": 0,
    }


def test_metadata_needs_an_address_and_an_id() -> None:
    broker = brokers.new_broker("777", NOW, "https://arena.example/", broker_id="abc")
    assert (broker["_id"], broker["metadataUri"]) == ("abc", "https://arena.example/api/metadata/brokers/abc")
    assert brokers.new_broker("777", NOW, "", broker_id="abc")["metadataUri"] == ""
    assert brokers.new_broker("777", NOW, "https://arena.example")["metadataUri"] == ""


@pytest.mark.parametrize(("stat", "value"), [("intelligence", 51), ("speed", 100), ("risk", 100)])
def test_training_adds_a_point_up_to_100(stat: str, value: int) -> None:
    assert brokers.train(BROKER, stat) == {stat: value, "xp": 12}


@pytest.mark.parametrize(("stat", "value"), [("intelligence", 52), ("speed", 100), ("risk", 100)])
def test_upgrading_adds_two_points_and_a_level(stat: str, value: int) -> None:
    assert brokers.upgrade(BROKER, stat) == {stat: value, "xp": 17, "level": 4}


def test_fractions_of_a_stat_are_kept() -> None:
    assert brokers.train({"speed": 1.5}, "speed") == {"speed": 2.5, "xp": 5}
    assert brokers.train({"speed": "x"}, "speed") == {"speed": 1, "xp": 5}


def test_repair_fills_energy_and_clears_cooldowns() -> None:
    assert brokers.repair() == {"energy": 100, "cooldowns": {}}


def test_combining_takes_the_rounded_means_and_sums_experience() -> None:
    sacrifice = {"intelligence": 51, "speed": 0, "risk": 200, "xp": 4}
    assert brokers.combine(BROKER, sacrifice) == {"intelligence": 51, "speed": 50, "risk": 100, "xp": 31}


@pytest.mark.parametrize("stat", [None, "", "level", "Speed"])
def test_only_stats_can_be_improved(stat: str | None) -> None:
    for action in (brokers.train, brokers.upgrade):
        with pytest.raises(BadRequest, match="invalid stat"):
            action(BROKER, stat)


def test_a_broker_cannot_be_combined_with_itself() -> None:
    brokers.require_different("ab", "ac")
    with pytest.raises(BadRequest, match="base and sacrifice must be different brokers"):
        brokers.require_different("ab", "AB")


@pytest.mark.parametrize(
    ("action", "currency", "amount"),
    [("train", "NEUR", 25), ("repair", "NEUR", 15), ("upgrade", "AIBA", 50), ("combine", "NEUR", 50)],
)
def test_prices(action: str, currency: str, amount: int) -> None:
    assert brokers.action_cost(action, {}) == brokers.Cost(currency, amount)


@pytest.mark.parametrize("price", [0, -5, 0.9])
def test_a_price_of_nothing_is_a_configuration_error(price: float) -> None:
    with pytest.raises(InternalError):
        brokers.action_cost("train", {"trainNeurCost": price})
