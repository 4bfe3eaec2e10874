"""Ledger rows: where each kind of money comes from and goes to."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.arena import ledger

NOW = datetime(2026, 11, 23, 7, 7, 14, 914000, tzinfo=UTC)


def row(**overrides: Any) -> ledger.Row:
    fields: dict[str, Any] = {
        "telegram_id": "777",
        "currency": "AIBA",
        "amount": 92,
        "reason": "battle_reward",
        "request_id": "r-1",
        "now": NOW,
        "arena": "prediction",
        "league": "pro",
    }
    return ledger.credit(**{**fields, **overrides})


def test_a_credit() -> None:
    assert row(battle_id="b", meta={"x": 1}) == {
        "telegramId": "777",
        "currency": "AIBA",
        "direction": "credit",
        "amount": 92,
        "reason": "battle_reward",
        "arena": "prediction",
        "league": "pro",
        "sourceType": "battle",
        "sourceId": "r-1",
        "requestId": "r-1",
        "battleId": "b",
        "applied": True,
        "meta": {"x": 1},
        "createdAt": NOW,
        "updatedAt": NOW,
        "__v": 0,
    }


@pytest.mark.parametrize(
    ("reason", "source", "arena", "league"),
    [
        ("battle_reward", "battle", "prediction", "pro"),
        ("first_win", "battle", "prediction", "pro"),
        ("entry", "battle", "prediction", "pro"),
        ("guild_creator_earnings", "guild_war_member_earnings", "prediction", "pro"),
        ("creator_earnings", "creator_referee_battle", "prediction", "pro"),
        ("train", "broker_train", "training", "global"),
        ("repair", "broker_repair", "repairs", "global"),
        ("upgrade", "broker_upgrade", "upgrades", "global"),
        ("combine", "broker_combine", "combine", "global"),
        ("broker_mint_nft", "broker_mint_nft", "mint", "global"),
    ],
)
def test_a_reason_fixes_the_source(reason: str, source: str, arena: str, league: str) -> None:
    entry = row(reason=reason)
    assert (entry["sourceType"], entry["arena"], entry["league"]) == (source, arena, league)


def test_a_debit_differs_in_direction_only() -> None:
    entry = ledger.debit(telegram_id="777", currency="NEUR", amount=25, reason="train", request_id="r-1", now=NOW)
    assert (entry["direction"], entry["amount"], entry["currency"]) == ("debit", 25, "NEUR")


@pytest.mark.parametrize("amount", [-1, 1.5, True, None, 2**53])
def test_an_amount_is_a_whole_number(amount: object) -> None:
    with pytest.raises(ValueError, match="amount"):
        row(amount=amount)


def test_unknown_currencies_and_reasons_are_refused() -> None:
    with pytest.raises(KeyError):
        row(currency="GOLD")
    with pytest.raises(KeyError):
        row(reason="gift")


def test_each_currency_has_its_balance() -> None:
    assert [ledger.balance_field(currency) for currency in ledger.CURRENCIES] == [
        "neurBalance",
        "aibaBalance",
        "starsBalance",
        "diamondsBalance",
    ]
