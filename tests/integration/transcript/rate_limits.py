"""Sections 0, 3 and 7: rate limits."""

from typing import Final

from tests.integration.transcript.battle_run import BATTLE, BODY, GRANTED, RUN
from tests.integration.transcript.exchange import Exchange, broker, data, refusal, sent
from tests.worlds import NOON

EXCHANGES: Final = (
    Exchange(
        about="0: limited routes say what is left, whatever they answer",
        request="GET /api/economy/me",
        user=None,
        status=401,
        answer=None,
        answer_headers={
            "x-ratelimit-limit": "51",
            "x-ratelimit-remaining": "50",
            "x-ratelimit-reset": str(int(NOON.timestamp()) + 1),
            "retry-after": None,
        },
    ),
    Exchange(
        about="3.2: the 26th battle within a minute; before validation",
        request=RUN,
        body={},
        given=tuple(sent("POST", "/api/battle/run", {}, status=400, address=f"198.51.100.{n}") for n in range(25)),
        status=429,
        answer=refusal("rate_limited", {"limit": "player-battles", "retryAfterMs": 2400}),
        answer_headers={
            "retry-after": "3",
            "x-ratelimit-limit": "25",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(int(NOON.timestamp()) + 60),
            "x-ratelimit-degraded": None,
        },
    ),
    Exchange(
        about="3.2: a battle tells how many are left",
        request=RUN,
        body=BODY,
        given=(broker(),),
        status=200,
        answer=data(BATTLE | GRANTED),
        answer_headers={
            "retry-after": None,
            "x-ratelimit-limit": "25",
            "x-ratelimit-remaining": "24",
            "x-ratelimit-reset": str(int(NOON.timestamp()) + 3),
        },
    ),
)
