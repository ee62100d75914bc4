"""The files that pages are made of: loaded once, sent as they are."""

from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from types import MappingProxyType

from msgspec import Struct

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOLDER, _ADMIN_FOLDER = map(files("scoreboard.web").joinpath, ("page", "admin_page"))


class StaticFile(Struct, frozen=True):
    """A file as it is sent."""

    body: bytes
    media_type: str
    etag: str


def template(name: str) -> Template:
    """A piece of HTML with ``$names``; what takes their place has to be escaped already."""
    return Template(_FOLDER.joinpath(f"{name}.html").read_text(encoding="utf-8"))


def _static_files(folder: Traversable) -> Mapping[str, StaticFile]:
    found = {}
    for entry in folder.iterdir():
        if media_type := _MEDIA_TYPES.get(entry.name[entry.name.rfind(".") :]):
            body = entry.read_bytes()
            found[entry.name] = StaticFile(body, media_type, f'"{sha256(body).hexdigest()[:20]}"')
    return MappingProxyType(found)


STATIC_FILES = _static_files(_FOLDER)
ADMIN_FILES = _static_files(_ADMIN_FOLDER)
ADMIN_PAGE = _ADMIN_FOLDER.joinpath("admin.html").read_bytes()
