"""Mermaid blocks drawn while the site is built, so that a page needs no script and no network to show them."""

import re
from hashlib import sha256
from typing import Any

import mmdr
from pymdownx.superfences import SuperFencesException


def fence(source: str, _language: str, css_class: str, _options: dict[str, Any], _markdown: Any, **_: Any) -> str:
    """The drawing of a fenced block, as markup. Raises ``SuperFencesException`` where it can't be read."""
    name = f"drawing-{sha256(source.encode()).hexdigest()[:8]}"
    # Several drawings share a page; the renderer gives all of them one name.
    try:
        drawing = re.sub(r'(#|id="|url\(#)merman', rf"\g<1>{name}", mmdr.render(source).svg())
    except ValueError as error:
        raise SuperFencesException(f"a drawing can't be read: {error}:\n{source}") from error
    return f'<figure class="{css_class}">{drawing}</figure>'
