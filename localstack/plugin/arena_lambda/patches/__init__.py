"""Patches for LocalStack's own faults: one file each, each saying what is wrong and what the patch does instead."""

import logging
from collections.abc import Callable, Mapping

from arena_lambda.patches import (
    alarm_scheduler_ends,
    alias_follows,
    cloudformation_alias,
    cloudformation_api,
    cloudformation_failures,
    cloudformation_refs,
    cloudformation_roles,
    cloudformation_rollback,
    cloudformation_status,
    cloudformation_upserts,
    drain_environments,
    forwarded_for,
    lease_by_any_alias,
    links_by_one_client,
    listen_where_told,
    log_thread_on_demand,
    long_polling,
    metrics_in_batches,
    offline_catalogue,
    one_copy_of_code,
    one_timer_per_rule,
    plain_http,
    provisioned_deletion,
    provisioned_status,
    regions_read_once,
    retain_resources,
    scale_by_difference,
    spill_to_on_demand,
    waits_are_short,
)

LOG = logging.getLogger(__name__)

PATCHES: Mapping[str, Callable[[], None]] = {
    "drain_environments": drain_environments.apply,
    "spill_to_on_demand": spill_to_on_demand.apply,
    "lease_by_any_alias": lease_by_any_alias.apply,
    "scale_by_difference": scale_by_difference.apply,
    "provisioned_status": provisioned_status.apply,
    "provisioned_deletion": provisioned_deletion.apply,
    "alias_follows": alias_follows.apply,
    "one_timer_per_rule": one_timer_per_rule.apply,
    "cloudformation_refs": cloudformation_refs.apply,
    "cloudformation_alias": cloudformation_alias.apply,
    "cloudformation_api": cloudformation_api.apply,
    "cloudformation_upserts": cloudformation_upserts.apply,
    "cloudformation_roles": cloudformation_roles.apply,
    "cloudformation_status": cloudformation_status.apply,
    "cloudformation_failures": cloudformation_failures.apply,
    "cloudformation_rollback": cloudformation_rollback.apply,
    "retain_resources": retain_resources.apply,
    "forwarded_for": forwarded_for.apply,
    "alarm_scheduler_ends": alarm_scheduler_ends.apply,
    "offline_catalogue": offline_catalogue.apply,
    "long_polling": long_polling.apply,
    "one_copy_of_code": one_copy_of_code.apply,
    "listen_where_told": listen_where_told.apply,
    "plain_http": plain_http.apply,
    "regions_read_once": regions_read_once.apply,
    "log_thread_on_demand": log_thread_on_demand.apply,
    "links_by_one_client": links_by_one_client.apply,
    "metrics_in_batches": metrics_in_batches.apply,
    "waits_are_short": waits_are_short.apply,
}


def apply_patches(disabled: frozenset[str]) -> None:
    """Apply every patch but the disabled ones; raise ValueError for a name that is not a patch."""
    unknown = disabled - PATCHES.keys()
    if unknown:
        raise ValueError(f"unknown patches: {', '.join(sorted(unknown))}; known: {', '.join(PATCHES)}")
    for name, patch in PATCHES.items():
        if name not in disabled:
            patch()
    if disabled:
        LOG.warning("Patches left out: %s", ", ".join(sorted(disabled)))
