"""The stack below the arena's in each region: network, keys, cache, firewall, backups. It changes rarely, and outlives
releases; the arena's own stack (``infra/template``) takes its outputs as parameters."""

from infra.foundation.build import build_foundation, foundation_stack, foundation_stack_name

__all__ = ["build_foundation", "foundation_stack", "foundation_stack_name"]
