"""Shapes of battles fought."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import COUNT, FLAG, NUMBER, TEXT, nullable, record, ref, stored

_BONUS: Final = ("starsGranted", "firstWinDiamond")

SHAPES: Final[Mapping[str, Any]] = {
    "Claim": record(
        {
            "vaultAddress": TEXT,
            "toAddress": TEXT,
            "amount": TEXT,
            "seqno": NUMBER,
            "validUntil": NUMBER,
            "signatureBase64": TEXT,
            "payloadBocBase64": TEXT,
        },
        description="A signed on-chain claim; empty texts and zeros when there is none.",
    ),
    "Battle": stored(
        {
            "requestId": TEXT,
            "ownerTelegramId": ref("TelegramId"),
            "brokerId": ref("ObjectId"),
            "arena": TEXT,
            "league": TEXT,
            "modeKey": TEXT,
            "seedHex": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "score": COUNT,
            "rewardAiba": COUNT,
            "rewardNeur": COUNT,
            "guildId": nullable(ref("ObjectId")),
            "opponentGuildId": nullable(ref("ObjectId")),
            "guildShareNeur": COUNT,
            "anomaly": FLAG,
            "anomalyReason": TEXT,
            "claim": ref("Claim"),
            "starsGranted": COUNT,
            "firstWinDiamond": COUNT,
        },
        optional=_BONUS,
        dependentRequired={_BONUS[0]: [_BONUS[1]], _BONUS[1]: [_BONUS[0]]},
        description="A battle. starsGranted and firstWinDiamond come only with the answer that fought it, not with a "
        "replay of the same requestId.",
    ),
    "QueuedBattle": record(
        {
            "requestId": TEXT,
            "status": {"enum": ["queued", "done"], "description": "done: it was fought already."},
            "statusUrl": {**TEXT, "description": "A path, to be put after the API's base."},
        }
    ),
    "BattleError": record(
        {
            "status": {"type": "integer", "description": "The status a direct battle would have been refused with."},
            "code": TEXT,
            "message": TEXT,
            "details": {"description": "More about it, where there is more to say."},
        },
        optional=("details",),
    ),
    "BattleStatus": {
        "oneOf": [
            record({"requestId": TEXT, "status": {"const": "queued"}}),
            record({"requestId": TEXT, "status": {"const": "done"}, "battle": ref("Battle")}),
            record({"requestId": TEXT, "status": {"enum": ["refused", "failed"]}, "error": ref("BattleError")}),
        ],
        "description": "queued: not fought yet. done: fought. refused: by the game's rules, and nothing has changed. "
        "failed: given up through no fault of the player; may be queued again, as a refused one may.",
    },
}
