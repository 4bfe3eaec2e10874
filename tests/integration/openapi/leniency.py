"""What the validator accepts or refuses for reasons JSON Schema has no words for."""

import re
from collections.abc import Iterator
from typing import Any, Final

from schemathesis import Case

from chalicelib.arena.jstext import js_trim

_NUMERIC: Final = re.compile(r"\s*([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)?\s*")


def beyond_json_schema(case: Case[Any]) -> bool:
    """Whether some value of the request is one of which the document can only say in words how it is read.

    Text is trimmed and then measured in UTF-16 units; numeric text where a number belongs is a number; a number or
    boolean where text belongs is its text; an array has no fields, like an empty object.
    """
    if isinstance(case.body, list) or _scalar_for_long_text(case):
        return True
    return any(_peculiar(value) for value in _texts([case.query, case.body]))


def _scalar_for_long_text(case: Case[Any]) -> bool:
    """Whether a number or boolean stands where text of some length belongs: its own text may be long enough."""
    body = case.operation.definition.raw.get("requestBody")
    if body is None or not isinstance(case.body, dict):
        return False
    described = body["content"]["application/json"]["schema"]["properties"]
    return any(
        isinstance(case.body.get(name), int | float) and "minLength" in schema and schema["type"] == "string"
        for name, schema in described.items()
    )


def _peculiar(text: str) -> bool:
    surrogates = any(ord(character) > 0xFFFF for character in text)
    return surrogates or text != js_trim(text) or text != text.strip() or bool(_NUMERIC.fullmatch(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
