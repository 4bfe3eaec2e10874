"""Prometheus's rules by its own tool: well-formed, each alert with a case that raises it and one that does not."""

from pathlib import Path

import pytest
import yaml

from tests.prometheus import FOLDER, check_names, named, promtool, rules
from tests.unit.test_runbooks import anchors

ROOT = Path(__file__).resolve().parents[2]
CASES = FOLDER / "tests" / "alerts.yml"
ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def test_rules_and_configuration_are_well_formed() -> None:
    promtool("check", "rules", *sorted((FOLDER / "rules").glob("*.yml")))
    promtool("check", "config", FOLDER / "prometheus.yml")


def test_every_case_comes_out_as_it_says() -> None:
    assert "SUCCESS" in promtool("test", "rules", CASES)


def test_every_alert_has_a_case_that_raises_it_and_one_that_does_not() -> None:
    raised: dict[str, set[bool]] = {}
    for case in yaml.safe_load(CASES.read_text())["tests"]:
        for expected in case["alert_rule_test"]:
            raised.setdefault(expected["alertname"], set()).add(bool(expected["exp_alerts"]))
            if not expected["exp_alerts"]:
                # Quiet because all is well, not because there is nothing.
                assert case["input_series"]
    assert len(ALERTS) > 20
    assert raised == {name: {True, False} for name in ALERTS}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_name_only_what_is_exposed(rule: dict[str, str]) -> None:
    check_names(rule["expr"], rule.get("alert") or rule["record"])


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_what_it_is_and_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in ("page", "ticket")
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert anchor in anchors(ROOT / page), f"{page} has no heading {anchor}"
    assert name in (ROOT / page).read_text(encoding="utf-8"), f"{page} does not name {name}"
    assert "{{ $labels.region }}" in alert["annotations"]["summary"]


def test_names_are_found_in_queries() -> None:
    query = """histogram_quantile(0.99, sum by (le, region) (rate(a_bucket{x=~"b{c}", y!="d"}[5m])))
    / ignoring (state) (e{state="f"} > 0) and on (region) g offset 5m == 1 or 0 * h:i:rate5m unless time() > 3"""
    assert named(query) == (
        {"a_bucket": {"x", "y"}, "e": {"state"}, "g": set(), "h:i:rate5m": set()},
        {"le", "region", "state"},
    )


@pytest.mark.parametrize("query", ["aiba_gone", 'up{nobody="x"}', "sum by (nobody) (up)"])
def test_what_nobody_exposes_is_noticed(query: str) -> None:
    with pytest.raises(AssertionError):
        check_names(query, "here")
