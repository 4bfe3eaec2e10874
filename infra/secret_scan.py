"""Looks for secrets in the repository's files with detect-secrets; what it takes for one and is none is answered in
``secret_answers.json``, by file and by the hash of what was found."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ANSWERS: Final = Path(__file__).parent / "secret_answers.json"
_DATA: Final = (".csv", ".jsonl", ".png", ".mjs", "swagger-ui-bundle.js", "uPlot.esm.js", ANSWERS.name)
"""Recorded figures, pictures, libraries that tests know by their digest, and hashes."""
_NEVER: Final = frozenset({"IPPublicDetector"})
_BY_LOOKS: Final = frozenset(
    {"KeywordDetector", "HexHighEntropyString", "Base64HighEntropyString", "BasicAuthDetector"}
)
"""What these go by, tests are full of: there, only what has the form of a real service's secret counts."""
_BY_WORDS: Final = frozenset({"KeywordDetector"})
"""It takes what follows the word password for one; in prose that is the next word."""
_TESTS: Final = ("tests/",)
_PROSE: Final = (".md",)
_FILTERS: Final = (
    "is_indirect_reference",
    "is_likely_id_string",
    "is_not_alphanumeric_string",
    "is_potential_uuid",
    "is_prefixed_with_dollar_sign",
    "is_sequential_string",
    "is_templated_secret",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """Something that looks like a secret; never shows it."""

    file: str
    line: int
    kind: str
    hash: str
    """SHA-1 of what was found, as detect-secrets has it."""
    answer: str
    """Why it is none; empty: nobody has said."""


def answers() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return found


def tracked(root: Path) -> list[str]:
    """Files git knows or would add, but those that hold data only."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")  # noqa: S603
    return sorted({name for name in listed if name and not name.endswith(_DATA) and (root / name).is_file()})


def suspects(root: Path, files: Iterable[str], said: Mapping[str, Mapping[str, str]]) -> list[Suspect]:
    """What looks like a secret in ``files`` of ``root``, by file and line, with the answers in ``said``."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import transient_settings

    known: Mapping[str, type[Any]] = get_mapping_from_secret_type_to_class()
    every = {plugin.__name__ for plugin in known.values()} - _NEVER
    filters = [{"path": f"detect_secrets.filters.heuristic.{name}"} for name in _FILTERS]
    by_plugins: dict[frozenset[str], list[str]] = {}
    for name in files:
        passed_over = _BY_LOOKS if name.startswith(_TESTS) else _BY_WORDS if name.endswith(_PROSE) else frozenset()
        by_plugins.setdefault(frozenset(every - passed_over), []).append(name)
    found = []
    for plugins, part in by_plugins.items():
        settings = {"plugins_used": [{"name": name} for name in sorted(plugins)], "filters_used": filters}
        with transient_settings(settings):
            found += [(name, secret) for name in part for secret in scan_file(str(root / name))]
    return sorted(
        (
            Suspect(
                file=name,
                line=secret.line_number,
                kind=secret.type,
                hash=secret.secret_hash,
                answer=said.get(name, {}).get(secret.secret_hash, ""),
            )
            for name, secret in found
        ),
        key=lambda one: (one.file, one.line, one.kind),
    )


def idle_answers(found: Iterable[Suspect], said: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Answers to nothing: their files, for people to find them."""
    met = {(one.file, one.hash) for one in found}
    return sorted(f"{name} {key[:12]}" for name, hashes in said.items() for key in hashes if (name, key) not in met)
