"""The variables a runtime process is given: Lambda's, the function's own, and nothing of LocalStack's."""

import os
from collections.abc import Mapping
from pathlib import Path

_INHERITED = ("PATH", "LANG", "LC_ALL")


def child_environment(
    lambda_variables: Mapping[str, object],
    *,
    code: Path,
    runtime: str,
    inherited: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Return the environment for a function whose unpacked code is at ``code``.

    ``lambda_variables`` come from LocalStack and hold numbers and enum members too; an environment holds text only.
    """
    variables = {name: inherited[name] for name in _INHERITED if name in inherited}
    # The developer's own profiles must not reach a function: Lambda has none.
    variables |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }
    variables |= {name: str(value) for name, value in lambda_variables.items() if value is not None}
    variables["LAMBDA_TASK_ROOT"] = str(code)
    variables["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{runtime}"
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(code), variables.get("PYTHONPATH", "")]))
    return variables
