"""The one way out: checked addresses only, whatever a name says, and an end to every call."""

from __future__ import annotations

import ast
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from market import outgoing, providers
from market.config import ROOT
from market.outgoing import NoAnswer, TargetRefused, addresses

#: Who speaks to the network, and why it is not `outgoing`.
NETWORK = {
    "market/outgoing.py": {"httpx", "socket"},
    "market/notifications/actions.py": {"smtplib"},  # the operator's own mail server
    "market/server.py": {"socket"},  # connections that came to us
    "market/config.py": {"socket"},  # what this machine is called
    "market/cli/run.py": {"socket"},  # whether a port is free
    "market/demo/keepsakes.py": {"socket"},  # the same
}
CALLERS = {"httpx", "requests", "urllib3", "aiohttp", "http.client", "urllib.request", "ftplib", "smtplib", "socket", "telnetlib"}
Talk = Callable[[socket.socket], object]


def test_nobody_else_calls_out() -> None:
    found: dict[str, set[str]] = {}
    for path in (ROOT / "market").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names += [f"{node.module}.{alias.name}" for alias in node.names]
            for name in CALLERS.intersection(names):
                found.setdefault(str(path.relative_to(ROOT)), set()).add(name)
    assert found == NETWORK, "call through market/outgoing.py, or say here why not"


def says(*answers: Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """A resolver that gives these answers one after the other, and then refuses to be asked again."""
    left = iter(answers)
    return lambda _host, _port: next(left)


PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
    "100.64.0.1", "192.0.0.192", "198.18.0.1", "192.0.2.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "2001:0:7f00:1::80ff:fffe",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_name_leads_inside(address: str) -> None:
    for answer in ([address], ["8.8.8.8", address]):
        with pytest.raises(TargetRefused) as refused:
            addresses("https://cloud.example/", allow_private=False, resolver=says(answer))
        assert refused.value.code == "private_target"


@pytest.mark.parametrize("address", PUBLIC)
def test_the_open_internet_may_be_called_over_https_only(address: str) -> None:
    assert addresses("https://cloud.example/", allow_private=False, resolver=says([address])) == [address]
    for allow_private in (False, True):
        with pytest.raises(TargetRefused) as refused:
            addresses("http://cloud.example/", allow_private=allow_private, resolver=says([address]))
        assert refused.value.code == "not_https"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "localhost",
     "[fe80::1]", "169.254.169.254", "0xa9fea9fe", "2852039166"],
)  # fmt: skip
def test_no_way_of_writing_an_inner_address_gets_in(host: str) -> None:
    with pytest.raises(TargetRefused):
        addresses(f"https://{host}/", allow_private=False)
    with pytest.raises(providers.WebhookUrlInvalid):
        providers.checked_url(f"https://{host}/", allow_private=False)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "168.63.129.16"])
def test_where_private_networks_are_allowed_special_addresses_are_not(address: str) -> None:
    with pytest.raises(TargetRefused):
        addresses("http://cloud.example/", allow_private=True, resolver=says([address]))
    assert addresses("http://cloud.example/", allow_private=True, resolver=says(["10.0.0.1", "fd00::1"]))


@pytest.mark.parametrize("answer", [OSError("no such name"), UnicodeError("label too long"), []])
def test_a_name_that_leads_nowhere_is_unknown(answer: Exception | list[str]) -> None:
    def resolver(_host: str, _port: int) -> Sequence[str]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(TargetRefused) as refused:
        addresses("https://cloud.example/", allow_private=False, resolver=resolver)
    assert refused.value.code == "unknown_host"


@contextmanager
def a_server(talk: Talk) -> Iterator[tuple[int, list[bytes]]]:
    """Somebody's system on a free port of loopback; gives the port and what was said to it."""
    heard: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(30)

        def serve() -> None:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with connection:
                heard.append(connection.recv(65536))
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join()


def fine(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")


def test_a_name_that_changes_its_mind_is_not_asked_again() -> None:
    """DNS rebinding: what was checked is what is called; the name itself travels in `Host` alone."""
    with a_server(fine) as (port, heard):
        resolver = says(["127.0.0.1"], ["10.0.0.1"])
        answer = outgoing.post(f"http://rebind.example:{port}/hook", b"{}", {}, allow_private=True, resolver=resolver)
    assert answer.status == 200 and answer.content == b"{}"
    assert b"host: rebind.example" in heard[0].lower() and b"127.0.0.1" not in heard[0]


def test_a_name_with_one_inner_address_is_not_called_at_all() -> None:
    with a_server(fine) as (port, heard):
        with pytest.raises(TargetRefused):
            outgoing.post(
                f"https://mixed.example:{port}/", b"", {}, allow_private=False, resolver=says(["8.8.8.8", "127.0.0.1"])
            )
        socket.create_connection(("127.0.0.1", port)).close()
    assert heard == [b""]


def test_a_redirect_is_an_answer_and_not_an_order() -> None:
    def redirect(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 307 Go\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n")

    with a_server(redirect) as (port, _heard):
        assert outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, allow_private=True).status == 307


def _drip(start: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        try:
            connection.sendall(start)
            for _ in range(1200):  # a minute
                connection.sendall(b"a")
                time.sleep(0.05)
        except OSError:
            return  # cut off, as it should be

    return talk


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n"])
def test_a_call_ends_in_time_however_slowly_the_other_side_talks(monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    monkeypatch.setattr(outgoing, "TIMEOUT", 0.4)
    begun = time.monotonic()
    with a_server(_drip(start)) as (port, _heard), pytest.raises(NoAnswer):
        outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, allow_private=True)
    assert time.monotonic() - begun < 20


def test_a_handshake_ends_in_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "TIMEOUT", 0.4)
    begun = time.monotonic()
    # A TLS record that is announced as long and then drips in.
    with a_server(_drip(b"\x16\x03\x03\x40\x00")) as (port, _heard), pytest.raises(NoAnswer):
        outgoing.post(f"https://127.0.0.1:{port}/", b"", {}, allow_private=True)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("compressed", [b"", b"content-encoding: gzip\r\n"])
def test_a_large_answer_is_not_kept_nor_a_small_one_blown_up(compressed: bytes) -> None:
    size = outgoing.LARGEST_ANSWER + (0 if compressed else 1)

    def talk(connection: socket.socket) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + compressed + f"content-length: {size}\r\n\r\n".encode() + b"x" * size)
        except OSError:
            return

    with a_server(talk) as (port, _heard):
        answer = outgoing.post(f"http://127.0.0.1:{port}/", b"", {}, allow_private=True)
    assert len(answer.content) == (size if compressed else 0)
