"""Benchmarks: each prints its figures beside a bare yardstick on the same machine, and their ratio."""

import sys
from pathlib import Path

# The servers they run on are started by the local cloud, which is no installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "localstack"))
