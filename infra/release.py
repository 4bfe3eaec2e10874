"""What a deployment will run with: parameters decided and digested. Pure."""

import json
from collections.abc import Mapping
from copy import deepcopy
from hashlib import sha256
from typing import Any

from infra.template.document import FUNCTION_TYPE, resources_of_type
from infra.template.parameters import PROVISIONED_CONCURRENCY, RELEASE_HASH


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
    Raises DeployError naming every parameter that is unknown or has no value.
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
    if unknown or missing:
        problems = [f"unknown parameter {name}" for name in unknown]
        problems += [f"parameter {name} needs a value" for name in missing]
        raise DeployError("; ".join(problems))
    return values


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
