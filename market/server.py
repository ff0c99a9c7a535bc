"""The web server's settings: `gunicorn --config python:market.server wsgi:app`, as `market run` starts it.

What a request may be before the application sees it: how long its line and headers, and how long it may take to
arrive. Without an end to that, as many slow clients as there are threads would keep everybody else waiting.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import select
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from gunicorn.http.errors import LimitRequestLine
from gunicorn.workers.gthread import TConn, ThreadWorker

from market import db, resources, search
from market.kit.period import local_day

log = structlog.get_logger(__name__)

#: From the first byte to the last header, and from there to the last byte of an upload.
HEADERS_SECONDS, BODY_SECONDS = 15.0, 120.0

#: What somebody reads whose search is longer than an address may be: it never reaches the application.
TOO_LONG = (Path(__file__).parent.parent / "static" / "too-long.html").read_bytes()
_TOO_LONG = b"HTTP/1.1 414 URI Too Long\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s"

#: How many requests of one connection follow each other in one thread, and how long it waits for the next.
_IN_A_ROW, _LINGER_MILLISECONDS = 100, 2

#: How long a worker that has more connections than another one leaves a new one to that.
_COURTESY_SECONDS = 0.001
#: How many connections each worker has, a number of two bytes; memory that all of them share.
_SLOTS = 256
_NOBODY = 0xFFFF
_open_connections = memoryview(mmap.mmap(-1, 2 * _SLOTS)).cast("H")

#: mallopt(3): so many pools of memory for all threads.
_M_ARENA_MAX = -8

worker_class = "market.server.PatientWorker"
#: Loaded once, before the workers split off: they share its memory, and one that was lost is back at once.
preload_app = True
loglevel = "warning"
graceful_timeout = 20
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
#: Whom to believe about addresses and schemes MARKET_TRUSTED_PROXIES says, in one place (market/web/security.py).
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads, with an end to the patience for what does not arrive."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._reading: dict[int, tuple[socket.socket, float]] = {}
        self.slot = self.age % _SLOTS

    def notify(self) -> None:
        """Called whenever something has happened, once a second at least."""
        super().notify()
        _open_connections[self.slot] = min(self.nr_conns, _NOBODY - 1)

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection, unless a worker that has fewer does so at once.

        All of them are woken by it. Few clients that keep their connections would else often share one worker.
        """
        if self.nr_conns > min(_open_connections):
            time.sleep(_COURTESY_SECONDS)
        super().accept(listener)
        _open_connections[self.slot] = min(self.nr_conns, _NOBODY - 1)

    def handle(self, conn: TConn) -> Any:
        """The requests of a connection, in a thread of its own, as long as they follow each other closely.

        Handing a connection back to the worker's first thread and getting it again costs as much as a small request.
        """
        for _ in range(_IN_A_ROW):
            kept = self._handle_one(conn)
            if kept is not True or not self._more_at_once(conn):
                break
        return kept

    def _more_at_once(self, conn: TConn) -> bool:
        """Whether the next request begins to arrive while nobody else waits for this thread."""
        if not self.alive or not self.tpool._work_queue.empty() or conn.parser.unreader.buf.getvalue():
            return False
        look = select.poll()
        look.register(conn.sock, select.POLLIN)
        return bool(look.poll(_LINGER_MILLISECONDS)) and self.tpool._work_queue.empty()

    def _handle_one(self, conn: TConn) -> Any:
        thread = threading.get_ident()
        self._reading[thread] = (conn.sock, time.monotonic() + HEADERS_SECONDS)
        try:
            return super().handle(conn)
        finally:
            self._reading.pop(thread, None)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """A way on for people whose address is too long; gunicorn's own words for everything else."""
        if not isinstance(exc, LimitRequestLine):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("Invalid request from ip=%s: %s", addr[0], exc)
        with suppress(OSError):
            client.sendall(_TOO_LONG % (len(TOO_LONG), TOO_LONG))

    def headers_arrived(self) -> None:
        """Called in the thread of a request whose headers are complete."""
        thread = threading.get_ident()
        self._reading[thread] = (self._reading[thread][0], time.monotonic() + BODY_SECONDS)

    def murder_keepalived(self, force: bool = False) -> None:
        """About once a second the worker tidies up; then whoever is too slow is told that nobody listens any more.

        Only reading ends: an answer that is under way, or still being worked out, is sent.
        """
        super().murder_keepalived(force)
        now = time.monotonic()
        for connection, until in list(self._reading.values()):
            if until < now:
                try:
                    connection.shutdown(socket.SHUT_RD)
                except OSError:
                    continue  # gone by itself


def pre_request(worker: PatientWorker, _request: Any) -> None:
    """gunicorn calls this when the headers of a request are complete."""
    worker.headers_arrived()


def post_fork(_server: Any, worker: PatientWorker) -> None:
    """gunicorn calls this at the beginning of a worker."""
    _open_connections[worker.slot] = 0
    _share_memory()
    threading.Thread(target=_warm, name="warm", daemon=True).start()


def child_exit(_server: Any, worker: PatientWorker) -> None:
    """gunicorn calls this when a worker has ended."""
    _open_connections[worker.slot] = _NOBODY


def _warm() -> None:
    """What lists are made from takes some seconds where there are many offerings: better now than for the first visitor."""
    try:
        with db.transaction(readonly=True):
            search.warm(local_day(resources.clock.now()))
    except Exception as error:  # whoever asks for a list will see why; other applications have no database
        log.info("not_warmed", error=repr(error))
    finally:
        db.session.remove()


def _share_memory() -> None:
    """The C library keeps memory apart for each thread, which no other one gets: sixteen threads would hold a hundred MB more."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if sys.platform == "linux" and mallopt:
        mallopt(_M_ARENA_MAX, 2)


def when_ready(_server: Any) -> None:
    """gunicorn calls this when the application is loaded and no worker has split off yet.

    No connection may be split: two processes would talk in one conversation with PostgreSQL, and SQLite's locks stay behind.
    """
    db.part()
    _open_connections[:] = memoryview(bytes([0xFF]) * 2 * _SLOTS).cast("H")
    spare_the_collector()


def spare_the_collector() -> None:
    """What is loaded by now stays: looking through it for garbage again and again took a tenth of a large request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
