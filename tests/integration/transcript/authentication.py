"""Section 7: who is calling, and the 401 codes."""

from typing import Final

from chalicelib.arena.initdata import sign
from tests.installed import TOKEN, init_data
from tests.integration.transcript.exchange import Exchange, data, refusal
from tests.worlds import NOON

ME_URL: Final = "GET /api/economy/me"
FAILED: Final = "telegram auth failed"


def signed(value: str) -> dict[str, str]:
    return {"x-telegram-init-data": value}


def refused(about: str, code: str, details: str | None = None, **headers: str) -> Exchange:
    return Exchange(
        about=f"7: {about}",
        request=ME_URL,
        user=None,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        status=401,
        answer=refusal(code, details),
    )


def admitted(about: str, value: str) -> Exchange:
    return Exchange(
        about=f"7: {about}",
        request="GET /api/brokers/mine",
        user=None,
        headers=signed(value),
        status=200,
        answer=data([]),
    )


AT: Final = str(int(NOON.timestamp()))
USER: Final = '{"id":777,"username":"u777","first_name":"A"}'

EXCHANGES: Final = (
    refused("no initData", FAILED, "missing initData or botToken"),
    refused("the development header counts for nothing", FAILED, "missing initData or botToken", x_telegram_id="777"),
    refused("no hash", FAILED, "missing hash", x_telegram_init_data="user=%7B%7D"),
    refused("another bot's hash", FAILED, "hash mismatch", x_telegram_init_data=init_data(777, NOON, token="1:other")),
    refused(
        "a hash in capitals",
        FAILED,
        "hash mismatch",
        x_telegram_init_data=(lambda text: text[:-64] + text[-64:].upper())(init_data(777, NOON)),
    ),
    refused("901 s old", "telegram auth expired", x_telegram_init_data=init_data(777, NOON, age_seconds=901)),
    refused("nobody signed", "telegram auth missing user id", x_telegram_init_data=init_data(None, NOON)),
    refused(
        "an illegible user is none",
        "telegram auth missing user id",
        x_telegram_init_data=sign({"auth_date": AT, "user": "{"}, TOKEN),
    ),
    admitted("899 s old", init_data(777, NOON, age_seconds=899)),
    admitted("signed in the future", init_data(777, NOON, age_seconds=-3600)),
    admitted(
        "a signature parameter belongs to the text", sign({"auth_date": AT, "user": USER, "signature": "x"}, TOKEN)
    ),
    Exchange(
        about="7: initData in the body",
        request="POST /api/brokers/repair",
        user=None,
        body={"initData": init_data(777, NOON), "brokerId": "no"},
        status=400,
        answer=refusal("validation_error", {"brokerId": "objectId"}),
    ),
    Exchange(
        about="7: a first sign-in makes the player",
        request="GET /api/brokers/mine",
        user=None,
        headers=signed(init_data(4242, NOON)),
        status=200,
        answer=data([]),
        instead="500: the upsert names telegramId twice",
    ),
)
