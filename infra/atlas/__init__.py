"""The stack of a stage's databases on MongoDB Atlas: a cluster for each region, with users, endpoint and backups."""

from infra.atlas.build import atlas_stack, build_atlas

__all__ = ["atlas_stack", "build_atlas"]
