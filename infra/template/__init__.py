"""Turns what Chalice packages into what the arena deploys: see ``builder``."""

from infra.template.builder import build_template
from infra.template.stage import STAGES, StageSpec

__all__ = ["STAGES", "StageSpec", "build_template"]
