"""Addresses of static files that change with their content, so that they can be kept for ever."""

import gzip
import hashlib
import time
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, g, request, url_for

FOR_EVER = "public, max-age=31536000, immutable"
COMPRESSIBLE = {".css", ".js", ".svg"}


def init_app(app: Flask) -> None:
    """Give templates `asset("css/app.css")` and answer such addresses as immutable and compressed."""
    app.jinja_env.globals["asset"] = asset
    app.after_request(_keep)


def asset(name: str) -> str:
    """The address of `static/<name>` with a fingerprint of its content."""
    # A page names the sprite once for every icon: look at the file once a request, and no oftener than each second.
    known: dict[str, str] = g._get_current_object().__dict__.setdefault("assets", {})
    if name not in known:
        known[name] = url_for("static", filename=name, v=_version(_path(name), int(time.monotonic())))
    return known[name]


@lru_cache(maxsize=256)
def _version(path: Path, _second: int) -> str | None:
    return _fingerprint(path, path.stat().st_mtime_ns) if path.is_file() else None


def _path(name: str) -> Path:
    return Path(current_app.static_folder or "") / name


@lru_cache(maxsize=256)
def _fingerprint(path: Path, modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@lru_cache(maxsize=64)
def _compressed(path: Path, modified: int) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def _keep(response: Response) -> Response:
    if request.endpoint != "static" or response.status_code != 200:
        return response
    path = _path((request.view_args or {})["filename"])
    modified = path.stat().st_mtime_ns
    fresh = request.args.get("v") == _fingerprint(path, modified)
    response.headers["Cache-Control"] = FOR_EVER if fresh else "no-cache"
    if path.suffix in COMPRESSIBLE:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"]:
            _compress(response, _compressed(path, modified))
    return response


def _compress(response: Response, body: bytes) -> None:
    response.direct_passthrough = False
    close = getattr(response.response, "close", None)
    if close is not None:
        close()  # the opened file
    response.set_data(body)
    response.headers["Content-Encoding"] = "gzip"
    response.headers.pop("Accept-Ranges", None)
    etag, _ = response.get_etag()
    if etag:
        response.set_etag(f"{etag}-gzip")
