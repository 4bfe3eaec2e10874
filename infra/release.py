"""What a deployment will run with: parameters decided and digested. Pure."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from hashlib import sha256
from typing import Any

from infra.template.document import FUNCTION_TYPE, resources_of_type
from infra.template.parameters import PROVISIONED_CONCURRENCY, REGIONS, RELEASE_HASH


class DeployError(Exception):
    """The deployment failed or can't be tried; the message says why and, where known, what to do."""


def decide_parameters(
    declared: Mapping[str, Mapping[str, Any]],
    previous: Mapping[str, str],
    given: Mapping[str, str],
    live_instances: int | None,
) -> dict[str, str]:
    """Every parameter's value except the release's digest.

    Given values win over the stack's ``previous`` ones, and these over the template's defaults. The number
    of instances is the exception: ``live_instances``, what the alias has now, wins over all, because after
    the first deployment the number belongs to the scaling controller.
    Raises DeployError naming every parameter that is unknown, has no value, or is given one its declaration refuses:
    AWS refuses that as well, and what stands in for AWS does not.
    """
    unknown = sorted(set(given) - set(declared) | ({RELEASE_HASH} & set(given)))
    values: dict[str, str] = {}
    missing: list[str] = []
    for name, declaration in declared.items():
        if name == RELEASE_HASH:
            continue
        default = declaration.get("Default")
        value = given.get(name, previous.get(name, None if default is None else str(default)))
        if value is None or (value == "" and declaration.get("MinLength")):
            missing.append(name)
        else:
            values[name] = value
    if live_instances is not None:
        values[PROVISIONED_CONCURRENCY] = str(live_instances)
    problems = [f"unknown parameter {name}" for name in unknown]
    problems += [f"parameter {name} needs a value" for name in missing]
    for name in sorted(set(given) & set(values)):
        wanted = _refused(given[name], declared[name])
        if wanted:
            problems.append(f"parameter {name} {wanted}, not {given[name]!r}")
    if problems:
        raise DeployError("; ".join(problems))
    return values


def _refused(value: str, declaration: Mapping[str, Any]) -> str:
    """What ``value`` must be by the parameter's ``declaration``; empty where it is that."""
    allowed = [str(one) for one in declaration.get("AllowedValues", ())]
    if allowed and value not in allowed:
        return f"must be one of {', '.join(one or 'nothing' for one in allowed)}"
    pattern = declaration.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        return str(declaration.get("ConstraintDescription", f"must match {pattern}"))
    if declaration.get("Type") != "Number":
        return ""
    least, most = declaration.get("MinValue"), declaration.get("MaxValue")
    bounds = [f"{word} {bound}" for word, bound in (("from", least), ("to", most)) if bound is not None]
    try:
        number = float(value)
        fits = (least is None or number >= least) and (most is None or number <= most)
    except ValueError:
        fits = False
    return "" if fits else " ".join(["must be a number", *bounds])


def require_own_region(parameters: Mapping[str, str], region: str) -> None:
    """Raises DeployError where the regions that converge leave out the one deployed to: it would answer nothing."""
    regions = [name for name in parameters.get(REGIONS, "").split(",") if name]
    if regions and region not in regions:
        raise DeployError(f"{REGIONS} {','.join(regions)} leaves out {region}, which is deployed to")


def release_hash(template: Mapping[str, Any], content_hash: str, parameters: Mapping[str, str]) -> str:
    """Digest of everything a release consists of; the number of instances is not part of a release."""
    kept = {name: value for name, value in parameters.items() if name != PROVISIONED_CONCURRENCY}
    document = json.dumps([template, content_hash, kept], sort_keys=True, separators=(",", ":"))
    return sha256(document.encode()).hexdigest()


def with_code_location(template: Mapping[str, Any], bucket: str, key: str) -> dict[str, Any]:
    """A copy of ``template`` whose functions take their code from ``s3://bucket/key``."""
    located: dict[str, Any] = deepcopy(dict(template))
    for _, function in resources_of_type(located, FUNCTION_TYPE):
        function["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
    return located
