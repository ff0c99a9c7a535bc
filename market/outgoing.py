"""Calls to other people's systems: the one way out, so that nobody can make us call what only we can reach.

A name is looked up once and the connection goes to an address that was checked, so a name that changes its mind in
between changes nothing. Redirects are not followed, proxies of the environment not used, and a call has a size and
a time it may take as a whole, however slowly the other side talks.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from market.late import Library

if TYPE_CHECKING:
    import httpx
else:
    httpx = Library("httpx")

TIMEOUT = 15.0
LARGEST_ANSWER = 64 * 1024

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Host and port → the addresses, in the resolver's order. Raises OSError or UnicodeError.
Resolver = Callable[[str, int], Sequence[str]]

#: Where clouds answer their own machines with secrets, at addresses that not every Python knows as private.
_METADATA = (ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("192.0.0.0/24"))
#: IPv6 addresses that stand for an IPv4 one behind a translator.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class TargetRefused(Exception):
    """The address may not be called; `code` says why: not_https, private_target, unknown_host."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class NoAnswer(Exception):
    """Nobody answered; `code` says how: timeout, unreachable (no connection came about), broken_off."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Answer:
    """What came back. `content` is empty when it was too large."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    too_large: bool = False


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the machine's own resolver tells them."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


def addresses(url: str, *, allow_private: bool, resolver: Resolver = resolve) -> list[str]:
    """The addresses behind `url` that may be called. Raises TargetRefused when one of them may not."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise TargetRefused("not_https")
    found = _resolved(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), resolver)
    public = [is_public(address) for address in found]
    if not all(public) and not (allow_private and all(map(_local, found))):
        raise TargetRefused("private_target")
    if parts.scheme == "http" and any(public):
        raise TargetRefused("not_https")
    return found


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, whatever it is wrapped in."""
    return all(
        ip.is_global and not (ip.is_multicast or ip.is_reserved or any(ip in network for network in _METADATA))
        for ip in _unwrapped(address)
    )  # fmt: skip


def written_address(host: str) -> Address | None:
    """The address that a host name is, in any of the ways to write one: 127.1, 0x7f000001, 2130706433, 0177.0.0.1."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError, ValueError):
        return None


def post(
    url: str, content: bytes, headers: Mapping[str, str], *, allow_private: bool, resolver: Resolver = resolve
) -> Answer:
    """Send once, to the first of the addresses that takes the connection. Raises TargetRefused, NoAnswer."""
    until = time.monotonic() + TIMEOUT
    try:
        return _first_reachable(url, addresses(url, allow_private=allow_private, resolver=resolver), content, headers, until)
    except httpx.TimeoutException as error:
        raise NoAnswer("timeout") from error
    except (httpx.ConnectError, httpx.InvalidURL, ValueError) as error:
        raise NoAnswer("timeout" if time.monotonic() >= until else "unreachable") from error
    except httpx.HTTPError as error:
        raise NoAnswer("timeout" if time.monotonic() >= until else "broken_off") from error


def answers(url: str, *, timeout: float) -> bool:
    """Whether a server of our own on this machine says 200."""
    try:
        return httpx.get(url, timeout=timeout, trust_env=False, verify=_trusted()).status_code == 200
    except httpx.HTTPError:
        return False


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates count. Reading them takes twenty milliseconds, which httpx would spend on each call anew."""
    return httpx.create_ssl_context(trust_env=False)


def _resolved(host: str, port: int, resolver: Resolver) -> list[str]:
    try:
        found = list(resolver(host, port))
    except (OSError, UnicodeError) as error:
        raise TargetRefused("unknown_host") from error
    if not found:
        raise TargetRefused("unknown_host")
    return found


def _unwrapped(address: str) -> list[Address]:
    """The address and, where it carries an IPv4 address in it, that one instead."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _TRANSLATED:
            return [ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)]
        if inner := ip.ipv4_mapped or ip.sixtofour:
            return [inner]
        if ip.teredo:
            return [ip, *ip.teredo]
    return [ip]


def _local(address: str) -> bool:
    """Whether it is an ordinary address of this machine or its network: what `allow_private` opens."""
    return all(
        ip.is_private and not (ip.is_link_local or ip.is_multicast or ip.is_unspecified)
        and (ip.is_loopback or not ip.is_reserved)
        for ip in _unwrapped(address)
    )  # fmt: skip


def _first_reachable(
    url: str, ips: Sequence[str], content: bytes, headers: Mapping[str, str], until: float
) -> Answer:
    for ip in ips[:-1]:
        try:
            return _send(url, ip, content, headers, until)
        except httpx.ConnectError:
            continue
    return _send(url, ips[-1], content, headers, until)


def _send(url: str, ip: str, content: bytes, headers: Mapping[str, str], until: float) -> Answer:
    named, left = httpx.URL(url), max(0.001, until - time.monotonic())
    with _cut_off(left) as watch, httpx.Client(follow_redirects=False, trust_env=False, verify=_trusted()) as client:
        request = httpx.Request(
            "POST",
            named.copy_with(host=ip),
            headers={**headers, "host": named.netloc.decode("ascii"), "accept-encoding": "identity"},
            content=content,
            # The certificate is checked against the name although the connection goes to the address.
            extensions={"sni_hostname": named.host, "timeout": httpx.Timeout(left).as_dict(), "trace": watch},
        )
        response = client.send(request, stream=True)
        try:
            read = _read(response)
            return Answer(response.status_code, dict(response.headers), read or b"", too_large=read is None)
        finally:
            response.close()


def _read(response: httpx.Response) -> bytes | None:
    """The body; None when it is too large to be read."""
    content = b""
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > LARGEST_ANSWER:
            return None
    return content


@contextmanager
def _cut_off(seconds: float) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Ends the connection when the time is up: httpx's own limit begins anew with every byte that drips in."""
    open_sockets: list[socket.socket] = []

    def watch(event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            # A copy: TLS takes the socket itself away, and must be over in time as well.
            open_sockets.append(info["return_value"].get_extra_info("socket").dup())

    def cut() -> None:
        for each in open_sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has ended by itself

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        timer.join()
        for each in open_sockets:
            each.close()
