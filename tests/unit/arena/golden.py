"""The golden vectors: what the running game computed."""

import json
from pathlib import Path
from typing import Any

_DIRECTORY = Path(__file__).parents[2] / "vectors"


def vectors(name: str) -> list[dict[str, Any]]:
    """Every line of ``tests/vectors/<name>.jsonl``."""
    with (_DIRECTORY / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
