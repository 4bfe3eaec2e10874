"""Runs LocalStack as ``python -m localstack.runtime.main`` does, with a garbage collector that is patient.

LocalStack loads two million objects, by its start and by the first use of each service, and they live as long as it
does. By default they are all gone through again for each quarter that comes on top: a quarter of the time it takes to
come up and to create the arena's stacks.
"""

import gc
import runpy

YOUNG = 10_000
"""New objects until the young ones are gone through. Python's own number is 700."""
ROUNDS = 10
"""Of the young until the middle-aged are."""
OLD_ROUNDS = 20
"""Of the middle-aged until all are: two million objects more."""

if __name__ == "__main__":
    gc.set_threshold(YOUNG, ROUNDS, OLD_ROUNDS)
    runpy.run_module("localstack.runtime.main", run_name="__main__", alter_sys=True)
