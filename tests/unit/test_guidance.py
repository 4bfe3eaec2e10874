"""What people are told to type, and to set, fits together."""

import re
from pathlib import Path
from typing import Any

from chalicelib.backup_settings import BACKUP_KEYS
from chalicelib.log_lines import LEVEL, SAMPLE_RATE, TIER_LEVEL
from chalicelib.queue_settings import QUEUE_KEYS
from infra.cli.summary import summary
from infra.template import STAGES
from infra.template.backup import BACKUP_BUCKET
from infra.template.parameters import WEBSOCKET_API, WEBSOCKET_ENDPOINT, parameters
from infra.template.tracing import TRACING
from localcloud.state import StateDir

ROOT = Path(__file__).resolve().parents[2]


def region(name: str) -> dict[str, str]:
    return {"api": f"http://{name}", "mongo": "m", "websocket": f"ws://{name}", "health": "h"}


def regions_of(text: str, command: str) -> list[str | None]:
    """The regions that occurrences of ``command`` name, None where they leave it to the default."""
    lines = [line for line in text.splitlines() if re.search(rf"\./arena {command}\b", line)]
    return [found[1] if (found := re.search(r"--region (\S+)", line)) else None for line in lines]


def test_who_listens_does_so_where_a_queued_battle_is_fought(tmp_path: Path) -> None:
    status: dict[str, Any] = {
        "tier": "development",
        "redis": "r",
        "localstack": "l",
        "instances": [1, 1],
        "missing": None,
        "console": "c",
    }
    status["regions"] = {name: region(name) for name in ("us-east-1", "eu-west-1")}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for text in (summary(status, StateDir(tmp_path)), readme):
        assert regions_of(text, "live") == regions_of(text, "battle --queued") == [None]


def test_the_queues_and_the_stack_s_parameters_are_explained() -> None:
    told = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    names = [*QUEUE_KEYS, *parameters(STAGES["staging"]), WEBSOCKET_API, WEBSOCKET_ENDPOINT, TRACING]
    names += [*BACKUP_KEYS, BACKUP_BUCKET]
    names += [LEVEL, SAMPLE_RATE, TIER_LEVEL]
    assert [name for name in names if f"`{name}`" not in told] == []
