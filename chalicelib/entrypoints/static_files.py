"""Pages and what they are made of, served from this package: by entity tag, assets kept by versioned address."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

from chalicelib.entrypoints.routing import Call, Reply
from chalicelib.errors import NotFound

JAVASCRIPT: Final = "text/javascript; charset=utf-8"
CSS: Final = "text/css; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
CHECK_EACH_TIME: Final = "public, no-cache"
KEEP: Final = "public, max-age=86400"


@dataclass(frozen=True)
class Folder:
    """Text files of ``chalicelib``. Read when somebody looks: no request of a game needs them."""

    name: str
    """Below ``chalicelib``, e.g. ``entrypoints/page``."""
    assets: Mapping[str, str]
    """Names of the files anybody may have → content types. No other is served."""

    def read(self, name: str) -> str:
        from importlib import resources

        return resources.files("chalicelib").joinpath(*self.name.split("/"), name).read_text(encoding="utf-8")

    @cached_property
    def version(self) -> str:
        """Changes whenever an asset does: browsers keep assets by address."""
        return sha256("".join(self.read(name) for name in self.assets).encode()).hexdigest()[:12]

    def asset(self, call: Call) -> Reply:
        """The file named in the path. Raises ``NotFound`` for any but an asset."""
        name = call.path["asset"]
        if name not in self.assets:
            raise NotFound("not_found", "no such file")
        return file_reply(call, self.read(name), self.assets[name], KEEP)


def file_reply(call: Call, text: str, content_type: str, caching: str = CHECK_EACH_TIME) -> Reply:
    """``text``, or 304 to a client that has it already."""
    tag = f'"{sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": caching}
    known = [given.strip().removeprefix("W/") for given in call.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Reply("", 304, headers)
    return Reply(text, 200, {**headers, "Content-Type": content_type})


def page_reply(call: Call, page: str, policy: str) -> Reply:
    """``page`` (HTML) under ``policy``, its Content-Security-Policy; it tells nobody where its readers came from."""
    reply = file_reply(call, page, HTML)
    return Reply(
        reply.body,
        reply.status,
        {**reply.headers, "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"},
    )
