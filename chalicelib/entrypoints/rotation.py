"""What Secrets Manager calls to rotate the arena's secret."""

import os
from typing import TYPE_CHECKING, Any, Final, cast

from chalicelib.entrypoints.invocations import InvokedBlueprint
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.secret_rotation import Step

blueprint: Final = InvokedBlueprint(__name__)


@blueprint.lambda_function(name="secret_rotation")
def secret_rotation(event: dict[str, Any], _context: Any) -> None:
    """One of the four steps of a rotation. A failed one is logged and tried again by Secrets Manager."""
    from chalicelib.wiring.rotation import rotate

    step = cast("Step", event["Step"])
    rotate(step, str(event["ClientRequestToken"]), str(event["SecretId"]), os.environ)
    logger().info("secret rotation step taken", step=step)
