"""The only place that builds clients and services: lazily, once per execution environment.

Nothing here runs at import. ``arena()`` reads the environment on its first call; when the secret's content
changes (rotation), the next call builds everything anew.
"""

from chalicelib.wiring.environment import SECRET_RETRY_SECONDS, Wiring, arena, install
from chalicelib.wiring.services import Arena

__all__ = ["SECRET_RETRY_SECONDS", "Arena", "Wiring", "arena", "install"]
