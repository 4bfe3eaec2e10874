"""Runs the SAM transform on a template: ``python sam_transform.py TEMPLATE PARAMETERS``, JSON in, JSON out.

A program of its own because the transform lives in LocalStack's environment, not in the project's.
"""

import json
import os
import sys
from pathlib import Path

from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """The transform asks for AWS's managed policies; our templates name none."""

    def load(self) -> dict[str, str]:
        """None."""
        return {}


def main() -> None:
    """Transforms and prints."""
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    template = json.loads(Path(sys.argv[1]).read_text())
    json.dump(transform(template, json.loads(sys.argv[2]), NoManagedPolicies()), sys.stdout)


if __name__ == "__main__":
    main()
