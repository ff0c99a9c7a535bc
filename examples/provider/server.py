"""HTTP: the customers' files under /buckets, the marketplace's requests under /provisioning, and /status."""

from __future__ import annotations

import base64
import binascii
import errno
import json
import shutil
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from examples.provider import objects, outbox, provisioning
from examples.provider.objects import Call, Refused
from examples.provider.outbox import Sender
from examples.provider.provisioning import Clerk
from examples.provider.settings import Settings
from examples.provider.store import Store, iso

LARGEST_REQUEST = 64 * 1024
LONGEST_NAME = 512
#: How much of a refused body is read to keep the connection.
PATIENCE = 1_000_000


class Server(ThreadingHTTPServer):
    """A thread for each connection; everything shared is in the store."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, settings: Settings, store: Store, clerk: Clerk, sender: Sender) -> None:
        self.settings, self.store, self.clerk, self.sender = settings, store, clerk, sender
        super().__init__((settings.host, settings.port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "example-provider/1", ""
    timeout = 60

    def do_GET(self) -> None:
        self.handle_with({"status": self.status, "buckets": self.fetch})

    def do_HEAD(self) -> None:
        self.handle_with({"status": self.status, "buckets": self.fetch})

    def do_PUT(self) -> None:
        self.handle_with({"buckets": self.put})

    def do_DELETE(self) -> None:
        self.handle_with({"buckets": self.delete})

    def do_POST(self) -> None:
        self.handle_with({"provisioning": self.provision})

    def handle_with(self, routes: dict[str, Any]) -> None:
        """Find the route; say no in JSON. What was not read of the body ends the connection."""
        parts = urlsplit(self.path)
        first, _, rest = parts.path.lstrip("/").partition("/")
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        length = self.headers.get("Content-Length", "")
        self.unread = int(length) if length.isdigit() else 0
        self.chunked = "Transfer-Encoding" in self.headers
        try:
            if first not in routes:
                known = first in ("status", "buckets", "provisioning")
                raise Refused(405 if known else 404, "this address does not take this method" if known else "nothing here")
            routes[first](unquote(rest, errors="strict"))
        except Refused as refusal:
            self.answer(refusal.status, {"error": str(refusal)})
        except UnicodeDecodeError:
            self.answer(400, {"error": "names are UTF-8"})
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.answer(507, {"error": "the disk is full; nothing was stored"})

    # --- the customers' side --------------------------------------------------------------

    def put(self, rest: str) -> None:
        """Store a file: 201 with its instant, once it is safely on disk."""
        call, store = self.call(rest, named=True), self.server.store
        if self.chunked or not self.headers.get("Content-Length", "").isdigit():
            raise Refused(411, "send Content-Length")
        size = self.unread
        if size > self.server.settings.largest_object:
            raise Refused(413, f"at most {self.server.settings.largest_object:,} bytes")
        blob, sha256 = objects.receive(store, self.rfile, size)
        self.unread = 0
        at = objects.put(store, call, blob, size, sha256, self.now())
        self.answer(201, {"name": call.name, "size": size, "sha256": sha256}, at)

    def fetch(self, rest: str) -> None:
        """A file, or with an empty name the list of files; for HEAD what is known of it, without the bytes."""
        call, store = self.call(rest), self.server.store
        if not call.name:
            prefix, after = self.query.get("prefix", ""), self.query.get("after", "")
            found, at = objects.listing(store, call, prefix, after, self.now())
            self.answer(200, {"objects": found}, at)
            return
        found_object, file, at = objects.get(store, call, self.now())
        with file:
            self.start(200, "application/octet-stream", found_object["size"], at, ETag=f'"{found_object["sha256"]}"')
            if self.command != "HEAD":
                shutil.copyfileobj(file, self.wfile, objects.CHUNK)

    def delete(self, rest: str) -> None:
        """Remove a file."""
        at = objects.delete(self.server.store, self.call(rest, named=True), self.now())
        self.start(204, "", 0, at)

    def call(self, rest: str, named: bool = False) -> Call:
        """Who asks for what. Raises Refused for strangers and for names that cannot be."""
        bucket, _, name = rest.partition("/")
        access_key, secret = self.credentials()
        if not objects.signed_in(self.server.store, bucket, access_key, secret):
            raise Refused(401, "sign in with the access key and the secret of this bucket")
        if (named and not name) or len(name) > LONGEST_NAME or any(ord(character) < 32 for character in name):
            raise Refused(400, f"a name has 1 to {LONGEST_NAME} characters and no control characters")
        return Call(bucket, self.command, name, self.headers.get("Idempotency-Key", "")[:200])

    def credentials(self) -> tuple[str | None, str]:
        """Basic access key and secret, or the secret as Bearer."""
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return None, given.strip()
        try:
            access_key, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return access_key, secret

    # --- the marketplace's side, and ours -------------------------------------------------

    def provision(self, _rest: str) -> None:
        """The signed webhook: stored, then answered; the clerk does the work."""
        if not 0 < self.unread <= LARGEST_REQUEST:
            raise Refused(413, "a request has 1 to 65,536 bytes")
        body, self.unread = self.rfile.read(self.unread), 0
        secret = self.server.settings.webhook_secret
        status = provisioning.accept(self.server.store, secret, body, dict(self.headers.items()))
        self.server.clerk.wake.set()
        self.answer(status, {"status": HTTPStatus(status).phrase})

    def status(self, _rest: str) -> None:
        """How things stand: what waits, what was refused and why."""
        store, sender = self.server.store, self.server.sender
        told = {"now": iso(self.now()), "usage": outbox.status(store) | {"last_error": sender.last_error}}
        self.answer(200, told | provisioning.status(store))

    # --- answering ------------------------------------------------------------------------

    def now(self) -> Any:
        return self.server.settings.now()

    def answer(self, status: int, body: dict[str, Any], at: str = "") -> None:
        """A JSON answer; HEAD hears how long it would be."""
        content = json.dumps(body, ensure_ascii=False).encode()
        self.start(status, "application/json", len(content), at)
        if self.command != "HEAD":
            self.wfile.write(content)

    def start(self, status: int, kind: str, length: int, at: str, **headers: str) -> None:
        """Status and headers. `X-Stored-At` is the instant this request happened at, as it is metered."""
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(length))
        self.send_header("X-Stored-At", at or iso(self.now()))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="bucket"')
        if self.chunked or self.unread > PATIENCE:
            self.send_header("Connection", "close")
        elif self.unread:
            self.rfile.read(self.unread)  # who is still sending does not hear the answer
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Quiet: /status tells what matters."""
