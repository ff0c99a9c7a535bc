"""The load generator: every body once, on kept connections; an answer that was not expected ends it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks import load

#: More than a socket takes at once.
LARGE = b"[" + b" " * 2_000_000 + b"]"


@contextmanager
def a_listener(status: int) -> Iterator[tuple[dict[str, Any], list[tuple[int, bytes]]]]:
    """A server on loopback; gives a task for it, and what it hears: the number of the connection, and the body."""
    heard: list[tuple[int, bytes]] = []

    class Listener(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            heard.append((self.client_address[1], self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.send_header("content-length", "5")
            self.end_headers()
            self.wfile.write(b"heard")

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    task = {"host": "127.0.0.1", "port": server.server_port, "path": "/", "type": "text/plain", "keys": ["a", "b"]}
    try:
        yield {**task, "expect": 200}, heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_body_is_sent_once_on_connections_that_are_kept(tmp_path: Path) -> None:
    bodies = [b"first", LARGE, b"third", b"fourth", b"fifth"]
    load.write_bodies(tmp_path / "bodies", bodies)
    with a_listener(200) as (task, heard):
        told = load.work(task, deque(load.read_bodies(tmp_path / "bodies")))
    assert sorted(body for _connection, body in heard) == sorted(bodies)
    assert len({connection for connection, _body in heard}) == 2
    assert len(told["times"]) == 5 and told["seconds"] > 0


def test_an_answer_that_was_not_expected_ends_it() -> None:
    with a_listener(500) as (task, _heard), pytest.raises(ValueError, match="500"):
        load.work(task, deque([b"first"]))
