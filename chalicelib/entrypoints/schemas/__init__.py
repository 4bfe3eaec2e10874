"""The shapes of answers as JSON Schema data, one file per area. Imported only to build the OpenAPI document.

Every module here has ``SHAPES``, a mapping of shape names to schemas. A shape describes the ``data`` inside the
envelope; one that has a property ``ok`` describes a whole body, to which the envelope adds at most ``requestId``.
Shapes refer to each other by ``ref(name)``.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def all_shapes() -> dict[str, Mapping[str, Any]]:
    """The shapes of every area by name, sorted. Raises ValueError for a name used twice."""
    shapes: dict[str, Mapping[str, Any]] = {}
    for area in sorted(module.name for module in iter_modules(__path__)):
        for name, shape in import_module(f"{__name__}.{area}").SHAPES.items():
            if name in shapes:
                raise ValueError(f"two shapes are called {name}")
            shapes[name] = shape
    return dict(sorted(shapes.items()))
