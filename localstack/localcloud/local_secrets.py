"""A checkout's own secrets: made once, kept in the state directory, readable by their owner alone."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from localcloud.errors import LocalCloudError
from localcloud.state import PRIVATE_FILE_MODE, StateDir, read_json, write_atomically

ADMIN_EMAIL = "admin@arena.localhost"
ADMIN_PASSWORD = "ADMIN_PASSWORD"  # noqa: S105 (the key's name)
"""Kept beside its hash, so that the person at this machine can sign in; never handed to a function."""

_BOT_ID_DIGITS = 10
_BOT_KEY_CHARACTERS = 35
_SECRET_BYTES = 48
_SCRYPT_COST, _SCRYPT_BLOCK, _SCRYPT_PARALLEL = 2**14, 8, 1


def load_or_create(state: StateDir) -> dict[str, str]:
    """The checkout's secrets; missing ones are made, present ones are kept.

    Raises LocalCloudError when the file is there but not legible, rather than replacing what players' data
    was signed with.
    """
    kept: Mapping[str, Any] = {}
    if state.secrets_file.exists():
        found = read_json(state.secrets_file)
        if found is None or not all(isinstance(value, str) for value in found.values()):
            raise LocalCloudError(
                f"{state.secrets_file} is not a JSON object of texts",
                "mend it, or delete it to have new secrets made",
            )
        kept = found
    complete = {**_generate(), **kept}
    if complete != kept:
        write_atomically(state.secrets_file, json.dumps(complete, indent=2) + "\n", mode=PRIVATE_FILE_MODE)
    return complete


def arena_secret(secrets_of_checkout: Mapping[str, str], *, mongo_uri: str, redis_url: str | None) -> str:
    """The JSON a region's secret ``aiba-arena/<stage>`` holds: what the functions may know, nothing more.

    ``redis_url`` None leaves it out: there is no cache.
    """
    known = {key: value for key, value in secrets_of_checkout.items() if key != ADMIN_PASSWORD}
    cache = {} if redis_url is None else {"REDIS_URL": redis_url}
    return json.dumps({"MONGO_URI": mongo_uri, **cache, **known})


def _generate() -> dict[str, str]:
    password = secrets.token_urlsafe(16)
    return {
        "TELEGRAM_BOT_TOKEN": _bot_token(),
        "BATTLE_SEED_SECRET": secrets.token_urlsafe(_SECRET_BYTES),
        "ADMIN_JWT_SECRET": secrets.token_urlsafe(_SECRET_BYTES),
        "ADMIN_EMAIL": ADMIN_EMAIL,
        ADMIN_PASSWORD: password,
        "ADMIN_PASSWORD_HASH": _password_hash(password),
        "REPLICATION_SECRET": f"local:{secrets.token_hex(_SECRET_BYTES)}",
    }


def _bot_token() -> str:
    """A token of Telegram's form, ``<bot id>:AA…``, that no real bot has."""
    bot_id = str(secrets.randbelow(9) + 1) + "".join(str(secrets.randbelow(10)) for _ in range(_BOT_ID_DIGITS - 1))
    return f"{bot_id}:AA{secrets.token_urlsafe(_BOT_KEY_CHARACTERS)[: _BOT_KEY_CHARACTERS - 2]}"


def _password_hash(password: str) -> str:
    """``scrypt$<cost>$<block>$<parallel>$<salt>$<hash>``, the last two in base64."""
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, n=_SCRYPT_COST, r=_SCRYPT_BLOCK, p=_SCRYPT_PARALLEL)
    parameters = f"scrypt${_SCRYPT_COST}${_SCRYPT_BLOCK}${_SCRYPT_PARALLEL}"
    return f"{parameters}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
