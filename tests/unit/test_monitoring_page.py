"""docs/monitoring.md lists what there is: every alarm with its numbers, every alert with its."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.package import PROJECT_ROOT, build_package
from infra.template import STAGES
from infra.template.alarm import Alarm
from infra.template.alarms import alarms
from infra.template.document import FUNCTION_TYPE, resources_of_type
from infra.template.queues import QUEUES
from tests.prometheus import rules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "monitoring.md"
SIGNS = {"above": ">", "below": "<"}
UNITS = {60: "min", 3600: "h", 86_400: "d"}


@pytest.fixture(scope="module")
def every() -> list[tuple[str, Alarm]]:
    """Kind and alarm, of all stages."""
    found: list[tuple[str, Alarm]] = []
    for stage in STAGES.values():
        template = build_package(stage.name, PROJECT_ROOT / ".arena" / "build", lambda _: None).template
        functions = [name for name, _ in resources_of_type(template, FUNCTION_TYPE)]
        found += [(kind_of(alarm.id, functions), alarm) for alarm in alarms(template, stage)]
    return found


def kind_of(alarm_id: str, functions: list[str]) -> str:
    """``…ErrorsAlarm`` of what every function has."""
    if re.fullmatch("|".join(f"{one}(Errors|Throttles|Duration|Silent)Alarm" for one in functions), alarm_id):
        return f"…{re.sub('.*(?=Errors|Throttles|Duration|Silent)', '', alarm_id)}"
    for queue in QUEUES:
        for one, kind in ((queue.dead_letter_id, "…DeadLetterQueueAlarm"), (queue.logical_id, "…QueueAlarm")):
            if alarm_id == f"{one}Alarm":
                return kind
    return alarm_id


def rows(every: list[tuple[str, Alarm]]) -> Iterator[str]:
    """As the page has them."""
    for kind in dict.fromkeys(kind for kind, _ in every):
        group = [alarm for one, alarm in every if one == kind]
        first = group[0]
        numbers = " / ".join(f"{value:,g}" for value in sorted({alarm.threshold for alarm in group}))
        lengths = sorted({(alarm.period_seconds, alarm.to_alarm, alarm.periods) for alarm in group})
        times = ", ".join(f"{least} of {most} × {_length(seconds)}" for seconds, least, most in lengths)
        severities = " or ".join(sorted({alarm.severity for alarm in group}))
        watched = f"`{first.watches.namespace}` {first.watches.name}, {first.watches.statistic}"
        missing = "alarm" if first.missing == "breaching" else "fine"
        page, _, anchor = first.runbook.partition("#")
        link = f"[{page.removesuffix('.md')}](runbooks/{page}#{anchor})"
        sign = SIGNS[first.is_]
        per_cent = " %" if first.percent_of else ""
        yield f"| `{kind}` | {watched} | {sign} {numbers}{per_cent} | {times} | {missing} | {severities} | {link} |"


def _length(seconds: int) -> str:
    unit = max(size for size in UNITS if seconds % size == 0)
    return f"{seconds // unit} {UNITS[unit]}"


def alert_rows() -> Iterator[str]:
    for rule in rules():
        if "alert" in rule:
            page, _, anchor = rule["annotations"]["runbook_url"].removeprefix("docs/runbooks/").partition("#")
            link = f"[{page.removesuffix('.md')}](runbooks/{page}#{anchor})"
            yield f"| `{rule['alert']}` | {rule.get('for', 'at once')} | {rule['labels']['severity']} | {link} |"


def test_the_page_lists_every_alarm(every: list[tuple[str, Alarm]]) -> None:
    told = PAGE.read_text(encoding="utf-8").splitlines()
    assert len(set(rows(every))) > 15
    missing = [row for row in rows(every) if row not in told]
    assert not missing, "\n".join(["docs/monitoring.md lacks:", *missing])
    assert sum(line.startswith("| `") and "Alarm`" in line for line in told) == len(list(rows(every)))


def test_the_page_lists_every_alert() -> None:
    told = PAGE.read_text(encoding="utf-8").splitlines()
    missing = [row for row in alert_rows() if row not in told]
    assert not missing, "\n".join(["docs/monitoring.md lacks:", *missing])
    assert sum(line.startswith("| `Arena") for line in told) == len(list(alert_rows()))
