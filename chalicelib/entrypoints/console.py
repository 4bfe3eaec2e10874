"""The operators' console: GET /console, one page of static files that asks this API and those of the other regions.

The page itself is open, as its files hold nothing; all it shows it asks for with an operator's token.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from typing import Final

from chalicelib import wiring
from chalicelib.entrypoints.http import Answer, Call, Reply, Routes
from chalicelib.entrypoints.static_files import CSS, HTML, JAVASCRIPT, Folder, page_reply
from chalicelib.errors import ArenaError
from chalicelib.settings import SettingsError

LIBRARIES: Final = {
    # what modules import: its file, unchanged from the npm package named beside it; licences lie next to them
    "preact": "preact.mjs",  # preact 11.2.0
    "preact/hooks": "preact-hooks.mjs",  # preact 11.2.0, hooks/dist/hooks.mjs
    "htm": "htm.mjs",  # htm 3.1.1
    "uplot": "uPlot.esm.js",  # uplot 1.6.32
}
MODULES: Final = (
    *("api", "app", "chart", "dialogs", "format", "history", "html", "override", "parts", "polling", "region"),
    *("session", "sign_in", "store"),
    *("view_actions", "view_environments", "view_queues", "view_regions", "view_scaling", "view_stores"),
    *("view_traffic", "worldmap"),
)
"""Of our own, imported as ``arena/NAME``."""
FILES: Final = {**LIBRARIES, **{f"arena/{name}": f"{name}.js" for name in MODULES}}
"""By the name modules import them by."""
ASSETS: Final = {
    **dict.fromkeys(LIBRARIES.values(), JAVASCRIPT),
    **{f"{name}.js": JAVASCRIPT for name in MODULES},
    "theme.js": JAVASCRIPT,
    "uPlot.min.css": CSS,
    "console.css": CSS,
}
_FOLDER: Final = Folder("console", ASSETS)

_IMPORT: Final = re.compile(r'^import .*?"([^"]+)";$', re.M)

routes: Final = Routes(__name__)


@routes.route(
    "GET",
    "/console",
    standalone=True,
    summary="The operators' console",
    answers=(Answer("Text", media_type=HTML), Answer(None, 304)),
)
def console_page(call: Call) -> Reply:
    operators, origins = _surroundings()
    return page_reply(call, page(operators), content_security_policy(origins))


@routes.route(
    "GET",
    "/console/{asset}",
    standalone=True,
    summary="What the console is made of",
    answers=(*(Answer("Text", media_type=kind) for kind in sorted(set(ASSETS.values()))), Answer(None, 304)),
    refusals={404: ("not_found",)},
)
def console_asset(call: Call) -> Reply:
    return _FOLDER.asset(call)


def page(operators: str) -> str:
    """``operators``: "configured", "none", or "unknown" while that can't be read."""
    return _completed().replace("{operators}", operators)


@cache
def _completed() -> str:
    text = _FOLDER.read("index.html").replace("{version}", _FOLDER.version).replace("{imports}", import_map())
    links = (f'<link rel="modulepreload" href="{_address(file)}">' for file in needed_by("app.js"))
    return text.replace("{preloads}", "\n    ".join(links))


@cache
def import_map() -> str:
    """Where each module is, by versioned address: one that was kept never meets another version's."""
    return json.dumps({"imports": {name: f"./{_address(file)}" for name, file in FILES.items()}})


def needed_by(file: str) -> tuple[str, ...]:
    """The files a module needs to begin, its own first: browsers fetch them at once rather than one after the other."""
    needed = [file]
    for one in needed:
        imported = _IMPORT.findall(_FOLDER.read(one)) if one.endswith(".js") else []
        needed += [FILES[name] for name in dict.fromkeys(imported) if FILES[name] not in needed]
    return tuple(needed)


def _address(file: str) -> str:
    return f"console/{file}?v={_FOLDER.version}"


def content_security_policy(origins: Iterable[str]) -> str:
    """The page's own files and this one script element; the APIs of ``origins`` beside its own."""
    inline = b64encode(sha256(import_map().encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{inline}'",
            "style-src 'self'",
            "img-src data:",
            " ".join(("connect-src 'self'", *sorted(origins))),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _surroundings() -> tuple[str, frozenset[str]]:
    """Whether there are operators, and where the regions are. The page comes whatever can't be read: it tells so."""
    try:
        arena = wiring.arena()
        return "none" if arena.settings.operator is None else "configured", arena.region_roles.origins()
    except (SettingsError, ArenaError):
        return "unknown", frozenset()
