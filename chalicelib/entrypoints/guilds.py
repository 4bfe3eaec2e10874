"""Guilds over HTTP: found, join, leave, pool brokers for guild wars, list."""

from typing import TYPE_CHECKING, Any, Final

from chalicelib.entrypoints.http import Answer, Call, Reply, Routes
from chalicelib.entrypoints.validation import Integer, ObjectIdText, Schema, Text, validate

if TYPE_CHECKING:
    from chalicelib.arena.guild_service import GuildRequest

routes = Routes(__name__)

LISTED_MAX: Final = 300
LISTED: Final = 200
TOP: Final = 50

NEW_GUILD: Schema = {
    "name": Text(required=True, min_length=3, max_length=24),
    "bio": Text(max_length=500),
    "txHash": Text(max_length=200),
}
ONE_GUILD: Schema = {"guildId": ObjectIdText(required=True)}
ONE_POOLED: Schema = {**ONE_GUILD, "brokerId": ObjectIdText(required=True)}
LIMITED: Schema = {"limit": Integer(minimum=1, maximum=LISTED_MAX)}


@routes.route(
    "POST",
    "/api/guilds/create",
    authenticated=True,
    body=NEW_GUILD,
    summary="Found a guild; free for the best players by score",
    answers=(Answer("Guild", 201),),
    refusals={400: ("payment required", "payment not verifiable"), 409: ("name already taken",)},
)
def create_guild(call: Call) -> Reply:
    guild = call.arena.guilds.create(
        _request(call), call.body["name"], call.body.get("bio", ""), call.body.get("txHash", "")
    )
    return Reply(guild, status=201)


@routes.route(
    "POST",
    "/api/guilds/join",
    authenticated=True,
    body=ONE_GUILD,
    summary="Join a guild; joining again changes nothing",
    answers=(Answer("Guild"),),
    refusals={404: ("not found",), 409: ("guild full",)},
)
def join_guild(call: Call) -> dict[str, Any]:
    return call.arena.guilds.join(_request(call), call.body["guildId"])


@routes.route(
    "POST",
    "/api/guilds/leave",
    authenticated=True,
    body=ONE_GUILD,
    summary="Leave a guild and take one's brokers out of its pool",
    answers=(Answer("GuildLeft"),),
    refusals={404: ("not found",)},
)
def leave_guild(call: Call) -> dict[str, Any]:
    """An owner who leaves stays the owner. Leaving a guild one is not in changes nothing."""
    call.arena.guilds.leave(_request(call), call.body["guildId"])
    return {"ok": True}


@routes.route(
    "POST",
    "/api/guilds/deposit-broker",
    authenticated=True,
    body=ONE_POOLED,
    summary="Put a broker into a guild's pool; once more changes nothing",
    answers=(Answer("GuildAndBroker"),),
    refusals={
        403: ("not a member", "not your broker"),
        404: ("not found", "broker not found"),
        409: ("broker already in another guild pool", "guild pool full"),
    },
)
def deposit_broker(call: Call) -> dict[str, Any]:
    return call.arena.guilds.deposit(_request(call), call.body["guildId"], call.body["brokerId"])


@routes.route(
    "POST",
    "/api/guilds/withdraw-broker",
    authenticated=True,
    body=ONE_POOLED,
    summary="Take a broker out of a guild's pool",
    answers=(Answer("GuildAndBroker"),),
    refusals={
        403: ("not allowed",),
        404: ("not found", "broker not found"),
        409: ("broker not in this guild pool",),
    },
)
def withdraw_broker(call: Call) -> dict[str, Any]:
    """For the guild's owner, whoever put the broker there, and the broker's owner."""
    return call.arena.guilds.withdraw(_request(call), call.body["guildId"], call.body["brokerId"])


@routes.route(
    "GET",
    "/api/guilds/list",
    authenticated=True,
    query=LIMITED,
    summary="Guilds by boosts, then newest; 200 unless `limit` says otherwise",
    answers=(Answer("Guilds"),),
)
def list_guilds(call: Call) -> list[dict[str, Any]]:
    return call.arena.guilds.ranked(call.query.get("limit", LISTED))


@routes.route(
    "GET",
    "/api/guilds/top",
    authenticated=True,
    query=LIMITED,
    summary="Guilds by boosts, then newest; 50 unless `limit` says otherwise",
    answers=(Answer("Guilds"),),
)
def top_guilds(call: Call) -> list[dict[str, Any]]:
    return call.arena.guilds.ranked(call.query.get("limit", TOP))


@routes.route(
    "GET",
    "/api/guilds/mine",
    authenticated=True,
    summary="The guilds the player is a member of, newest first",
    answers=(Answer("Guilds"),),
)
def my_guilds(call: Call) -> list[dict[str, Any]]:
    return call.arena.guilds.mine(call.telegram_id)


@routes.route(
    "GET",
    "/api/guilds/{guildId}/pool",
    authenticated=True,
    summary="The brokers in a guild's pool, in the order they came; for members",
    answers=(Answer("GuildPool"),),
    refusals={400: ("validation_error",), 403: ("not a member",), 404: ("not found",)},
)
def guild_pool(call: Call) -> dict[str, Any]:
    return call.arena.guilds.pool(call.telegram_id, validate(ONE_GUILD, call.path)["guildId"])


def _request(call: Call) -> "GuildRequest":
    from chalicelib.arena.guild_service import GuildRequest

    return GuildRequest(telegram_id=call.telegram_id, request_id=call.request_id)
