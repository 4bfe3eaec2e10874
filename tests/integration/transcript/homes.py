"""Where a player is at home. Not of the game's facts: the arena's own. Here there is one region."""

from typing import Any, Final

from tests.integration.transcript.exchange import Exchange, data, refusal

HERE: Final[dict[str, Any]] = {"home": "us-east-1", "servedBy": "us-east-1", "answeredBy": "us-east-1"}

EXCHANGES: Final = (
    Exchange(about="home: where the player is", request="GET /api/home", status=200, answer=data(HERE)),
    Exchange(
        about="home: moving to where one is changes nothing",
        request="POST /api/home",
        body={"region": "us-east-1"},
        status=200,
        answer=data(HERE),
    ),
    Exchange(
        about="home: a region there is not",
        request="POST /api/home",
        body={"region": "mars"},
        status=400,
        answer=refusal(
            "unknown_region",
            message="no region 'mars'",
            details={"known": ["ap-southeast-1", "eu-west-1", "us-east-1"]},
        ),
    ),
)
