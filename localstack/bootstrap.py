#!/usr/bin/env python3
"""Builds the environments everything else runs in: ``python3 localstack/bootstrap.py [--only NAME]``.

Needs nothing but Python. This file keeps to syntax that old Pythons understand, so that they can be told
what is missing; the work is in localcloud/environments.py.
"""

import os
import sys


def main():  # type: () -> int
    """Checks the interpreter, then builds; returns the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 (this is the place that tells an older one)
        message = "error: Python 3.11 or newer is needed; {} is {}.{}\nhint: name a newer one: make PYTHON=python3.12\n"
        sys.stderr.write(message.format(sys.executable, sys.version_info[0], sys.version_info[1]))
        return 1
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 (Python 2 has no pathlib)
    from localcloud import environments_cli

    return environments_cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
