"""The stack above all regions: names that lead to the nearest healthy region, and what is served from everywhere."""

from infra.world.build import RegionEnd, build_world

__all__ = ["RegionEnd", "build_world"]
