"""What the web server lets through to the application, with a real gunicorn."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from examples import ports
from market.config import ROOT

#: Seconds: a loaded machine is slow, not wrong.
PATIENCE = 60.0
APP = """
import os

def app(environ, start):
    body = environ["wsgi.input"].read()
    said = " ".join([environ["wsgi.url_scheme"], environ["REMOTE_ADDR"], repr(environ.get("SCRIPT_NAME")), str(len(body)), str(os.getpid())])
    start("200 OK", [("Content-Length", str(len(said)))])
    return [said.encode()]
"""
SETTINGS = """
import market.server
from market.server import *
market.server.HEADERS_SECONDS = market.server.BODY_SECONDS = 1.0
threads = 2
"""


TWO = """
import market.server
from market.server import *
market.server._COURTESY_SECONDS = 1.0
workers, keepalive = 2, 60
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """gunicorn with the product's settings, two threads and little patience, before an application that says what it sees."""
    with served(tmp_path_factory.mktemp("server"), SETTINGS) as free:
        yield free


@contextmanager
def served(folder: Path, settings: str) -> Iterator[int]:
    """The application behind gunicorn with these settings; gives its port."""
    (folder / "seen.py").write_text(APP)
    (folder / "settings.py").write_text(settings)
    free = ports.claim()
    command = [sys.executable, "-m", "gunicorn", "-c", str(folder / "settings.py"), "--bind", f"127.0.0.1:{free}", "seen:app"]
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + PATIENCE
            while not answer(free, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 200"):
                assert server.poll() is None and time.monotonic() < deadline, "the server did not start"
                time.sleep(0.1)
            yield free
        finally:
            server.terminate()


def answer(port: int, request: bytes) -> bytes:
    """The whole of what comes back, even if the server hangs up before it has read everything."""
    parts = []
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_nobody_is_believed_about_schemes_and_addresses_here(port: int) -> None:
    forged = b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-For: 203.0.113.7\r\nSCRIPT_NAME: /evil\r\n"
    assert b"http 127.0.0.1 '' 0" in answer(port, b"GET / HTTP/1.1\r\nHost: a\r\n" + forged + b"\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(80)) + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 9000 + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    ],
)
def test_what_is_too_long_or_says_two_things_is_refused(port: int, request_: bytes, status: bytes) -> None:
    first = answer(port, request_).partition(b"\r\n")[0]
    assert status in first or (status in (b"414", b"431") and b"400" in first), first


def test_a_search_that_is_too_long_is_answered_with_another_box(port: int) -> None:
    said = answer(port, b"GET /offerings/?q=" + b"%E5%A4%87" * 10_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 414") and b'name="q"' in said and "搜索词最多 100 个字".encode() in said


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nX: a", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nabc"])
def test_slow_clients_do_not_keep_others_waiting(port: int, begun: bytes) -> None:
    slow = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(2)]
    for connection in slow:
        connection.sendall(begun)
    # The slow ones stay for as long as this takes: whoever waits for them gets no answer at all.
    assert answer(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 200")
    for connection in slow:
        connection.close()


def test_clients_that_stay_are_shared_out_evenly(tmp_path: Path) -> None:
    with served(tmp_path, TWO) as port, ExitStack() as held:
        begun: set[bytes] = set()
        while len(begun) < 2:
            begun.add(answer(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").split()[-1])
        told = Counter(who_answers(port, held) for _ in range(8))
        assert sorted(told.values()) == [4, 4]


def who_answers(port: int, held: ExitStack) -> str:
    """The number of the process that a new connection got, which stays open."""
    connection = held.enter_context(closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)))
    connection.request("GET", "/")
    return connection.getresponse().read().decode().split()[-1]
