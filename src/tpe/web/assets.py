"""Static files: read once, named by the hash of their content, so that a copy may be kept for a year."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tpe.infra.problems import NotFoundError

STATIC_PREFIX: Final = "/static/"
CACHE_CONTROL: Final = "public, max-age=31536000, immutable"
"""One year: the longest that RFC 9111 caches are asked to keep; a changed file has another name."""
HASH_CHARACTERS: Final = 16
MEDIA_TYPES: Final = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served, plain and compressed."""

    media_type: str
    body: bytes
    compressed: bytes


class Assets:
    """The files of a folder. ``url("app.css")`` gives the address that a page links to."""

    def __init__(self, folder: Path) -> None:
        self._served: dict[str, Asset] = {}
        self._urls: dict[str, str] = {}
        for path in sorted(folder.iterdir()):
            self._add(path)

    def url(self, name: str) -> str:
        """Give the address of a file; KeyError when the folder has no such file (a defect of a template)."""
        return self._urls[name]

    def find(self, served_name: str) -> Asset | None:
        """Give the file of an address's last part; None for any other text, an outdated hash included."""
        return self._served.get(served_name)

    def _add(self, path: Path) -> None:
        body = path.read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:HASH_CHARACTERS]
        served_name = f"{path.stem}.{digest}{path.suffix}"
        self._served[served_name] = Asset(MEDIA_TYPES[path.suffix], body, gzip.compress(body, 9, mtime=0))
        self._urls[path.name] = STATIC_PREFIX + served_name


ASSETS: Final = Assets(Path(__file__).parent / "static")


async def serve_asset(request: Request) -> Response:
    """Answer with a static file; NotFoundError when there is none of that name."""
    asset = ASSETS.find(request.path_params["name"])
    if asset is None:
        raise NotFoundError
    headers = {"Cache-Control": CACHE_CONTROL, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.compressed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=headers)
