"""The arena's functions: everything below this folder, and nothing else, is deployed with app.py."""

import gc
from typing import Final

from chalicelib import dataclass_methods

OBJECTS_BEFORE_COLLECTION: Final = 100_000
"""What a start makes lives on. Collected at Python's 700, a fifth of a start is spent looking for garbage in it."""

gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
dataclass_methods.use()
