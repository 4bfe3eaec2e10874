"""``python -m tests.fuzz.one TARGET CORPUS [OPTION]...``: one target under libFuzzer, whose options these are."""

import sys
from pathlib import Path

import atheris

INSTRUMENTED = ["chalicelib", "jwt", "rfc8785", "bson.json_util"]


def main() -> None:
    name, corpus, *options = sys.argv[1:]
    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.targets import TARGETS
    for number, sample in enumerate(TARGETS[name].samples):
        (Path(corpus) / f"sample-{number}").write_bytes(sample)
    atheris.Setup([sys.argv[0], corpus, *options], TARGETS[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
