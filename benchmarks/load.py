"""A load generator in a process of its own: `python -m benchmarks.load`, told what to do as JSON on standard input.

It knows nothing of the marketplace and imports nothing but the standard library. All bodies are in memory before it
says `ready`; then one thread keeps every connection busy with the next one, and looks at nothing in an answer but its
status and its length. What it used of a core is in its report, so that one can see who was the bottleneck.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LENGTH = struct.Struct(">I")
_PATIENCE_SECONDS = 60.0


def write_bodies(path: Path, bodies: Sequence[bytes]) -> None:
    """Bodies as `read_bodies` finds them."""
    with path.open("wb") as file:
        for body in bodies:
            file.write(_LENGTH.pack(len(body)) + body)


def read_bodies(path: Path) -> Iterator[bytes]:
    """The bodies in a file, in their order."""
    content = memoryview(path.read_bytes())
    at = 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        yield bytes(content[at : at + length])
        at += length


@dataclass
class _Connection:
    """One kept connection: its request under way, what is left of it, and what came back so far."""

    socket: socket.socket
    head: bytes
    left: memoryview = memoryview(b"")
    started: float = 0.0
    heard: bytes = b""
    wanted: int = 0

    def begin(self, body: bytes) -> None:
        """Start sending a request."""
        self.left = memoryview(b"%sContent-Length: %d\r\n\r\n%s" % (self.head, len(body), body))
        self.heard, self.wanted, self.started = b"", 0, time.perf_counter()
        self.push()

    def push(self) -> None:
        """Send as much as the other side takes now."""
        try:
            while self.left:
                self.left = self.left[self.socket.send(self.left) :]
        except BlockingIOError:
            return

    def pull(self) -> int:
        """Read what is there; the status once the answer is complete, else 0."""
        heard = self.socket.recv(262_144)
        if not heard:
            raise ConnectionError("the server hung up in mid-answer")
        self.heard += heard
        if not self.wanted:
            end = self.heard.find(b"\r\n\r\n")
            if end < 0:
                return 0
            self.wanted = end + 4 + _length(self.heard[:end])
        return int(self.heard[9:12]) if len(self.heard) >= self.wanted else 0


def _length(head: bytes) -> int:
    at = head.lower().find(b"\r\ncontent-length:")
    return int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


def work(task: dict[str, Any], bodies: deque[bytes]) -> dict[str, Any]:
    """Send every body once, on all connections together; times of the requests in milliseconds."""
    with ExitStack() as held:
        watch = held.enter_context(closing(selectors.DefaultSelector()))
        connections = [_open(task, secret, held) for secret in task["keys"]]
        cpu, start = time.process_time(), time.perf_counter()
        times = _keep_busy(connections, bodies, watch, task["expect"])
        return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu, "times": times}


def _keep_busy(
    connections: list[_Connection], bodies: deque[bytes], watch: selectors.BaseSelector, expect: int
) -> list[float]:
    times: list[float] = []
    busy = 0
    for connection in connections[: len(bodies)]:
        connection.begin(bodies.popleft())
        watch.register(connection.socket, _events(connection), connection)
        busy += 1
    while busy:
        ready = watch.select(_PATIENCE_SECONDS)
        if not ready:
            raise TimeoutError("no answer for a minute")
        for key, happened in ready:
            connection = key.data
            if happened & selectors.EVENT_WRITE:
                connection.push()
                if not connection.left:
                    watch.modify(connection.socket, selectors.EVENT_READ, connection)
            if not (happened & selectors.EVENT_READ and (status := connection.pull())):
                continue
            times.append((time.perf_counter() - connection.started) * 1000)
            if status != expect:
                head, _, body = connection.heard.partition(b"\r\n\r\n")
                raise ValueError(f"answered with {status}: {(body or head)[:1500].decode(errors='replace')}")
            if not bodies:
                watch.unregister(connection.socket)
                busy -= 1
                continue
            connection.begin(bodies.popleft())
            if connection.left:
                watch.modify(connection.socket, _events(connection), connection)
    return times


def _open(task: dict[str, Any], secret: str, held: ExitStack) -> _Connection:
    made = held.enter_context(socket.create_connection((task["host"], task["port"]), timeout=10))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setblocking(False)
    head = (
        f"POST {task['path']} HTTP/1.1\r\nHost: {task['host']}:{task['port']}\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: {task['type']}\r\n"
    )
    return _Connection(made, head.encode())


def _events(connection: _Connection) -> int:
    return selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.left else 0)


def main() -> int:
    """Read the task, prepare, wait for the start, send, report; one line each way."""
    task = json.loads(sys.stdin.readline())
    bodies = deque(body for file in task["files"] for body in read_bodies(Path(file)))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        told = work(task, bodies)
    except (OSError, ValueError) as error:
        told = {"error": str(error)}
    print(json.dumps(told), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
