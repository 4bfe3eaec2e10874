"""The game's JSON on the wire: encoding, the envelope, and strict decoding of bodies."""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

from chalicelib.errors import ArenaError, BadRequest, PayloadTooLarge

_SHOWN: Final = frozenset({"_id", "__v"})


def iso_millis(moment: datetime) -> str:
    """``moment`` (UTC) as the game writes dates: 2026-11-23T07:07:14.914Z."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def to_json_value(value: Any) -> Any:
    """``value`` as plain JSON data, numbers as JavaScript prints them.

    Whole floats lose their fraction, NaN and infinities become null, dates become ISO-8601 and any
    other object (an ObjectId) its string. What only regions tell each other is left out.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in value.items() if not _is_internal(key)}
    if isinstance(value, list | tuple):
        return [to_json_value(item) for item in value]
    if isinstance(value, datetime):
        return iso_millis(value)
    return str(value)


def _is_internal(key: object) -> bool:
    """Fields of documents that begin with an underscore are for regions to tell each other."""
    return isinstance(key, str) and key.startswith("_") and key not in _SHOWN


def dumps(value: Any) -> str:
    """Compact JSON text of any answer."""
    return json.dumps(to_json_value(value), ensure_ascii=False, separators=(",", ":"))


def success(body: Any, request_id: str) -> dict[str, Any]:
    """The envelope of an answer that succeeded.

    An object that already says ``ok: true`` is sent as it is, keeping a requestId of its own (the
    broker actions answer with the action's id).
    """
    if isinstance(body, Mapping) and body.get("ok") is True:
        return {"requestId": request_id, **body} if "requestId" not in body else dict(body)
    return {"ok": True, "data": body, "requestId": request_id}


def failure(error: ArenaError, request_id: str) -> dict[str, Any]:
    """The envelope of a refusal; ``details`` only where there are some."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details is not None:
        body["details"] = error.details
    return {"ok": False, "error": body, "requestId": request_id}


def decode_body(raw: bytes, *, limit_bytes: int) -> dict[str, Any]:
    """The request's JSON object; empty for an empty body, or for a JSON array (which has no fields).

    Raises ``PayloadTooLarge`` above ``limit_bytes`` and ``BadRequest("invalid_json")`` for anything
    that is not a JSON object or array. Text may hold lone surrogates: fields mend them (``validation``).
    """
    if len(raw) > limit_bytes:
        raise PayloadTooLarge(
            "payload_too_large", f"the body is larger than {limit_bytes} bytes", details={"limitBytes": limit_bytes}
        )
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse_constant) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadRequest("invalid_json", "the body is not valid JSON") from error
    if isinstance(value, list):
        return {}
    if not isinstance(value, dict):
        raise BadRequest("invalid_json", "the body must be a JSON object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
