"""``python -m tests.simulation --histories N --seed S``: as ``bench.replication_simulation``."""

from bench.replication_simulation import main

main()
