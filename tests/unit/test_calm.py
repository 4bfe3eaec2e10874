"""What is deployed is proved calm first."""

import pytest

from chalicelib.scaling_settings import POLICIES
from infra.calm import require_calm
from infra.release import DeployError
from infra.template import STAGES

PARAMETERS = {"ScalingPolicy": "guide", "ScalingMin": "0", "ScalingMax": "0"}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("bounds", [("0", "0"), ("2", "40"), ("0", "2")])
def test_what_may_be_chosen_is_accepted_within_any_bounds(policy: str, bounds: tuple[str, str]) -> None:
    require_calm(
        STAGES["prod"], {**PARAMETERS, "ScalingPolicy": policy, "ScalingMin": bounds[0], "ScalingMax": bounds[1]}
    )


def test_bounds_that_make_no_sense_are_named() -> None:
    with pytest.raises(DeployError, match=r"ScalingMin, ScalingMax: .*1 <= min_instances <= max_instances"):
        require_calm(STAGES["prod"], {**PARAMETERS, "ScalingMin": "30"})


def test_a_proof_that_may_take_its_time_is_told_of() -> None:
    told: list[str] = []
    require_calm(STAGES["prod"], PARAMETERS, told.append)
    assert told == []
    require_calm(STAGES["prod"], {**PARAMETERS, "ScalingMax": "40"}, told.append)
    assert told == ["proving that scaling comes to rest within 3 to 40 environments"]


def test_a_stack_without_a_controller_needs_no_proof() -> None:
    require_calm(STAGES["prod"], {})


@pytest.mark.parametrize("most", ["1", "8", "40"])
def test_a_laptops_rules_are_calm(most: str) -> None:
    require_calm(STAGES["dev"], {"ScalingPolicy": "laptop", "ScalingMin": "1", "ScalingMax": most})
