"""Where a webhook may go: looked up at the moment of sending, and never inside our own network."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit


class TargetRefused(Exception):
    """The address may not be called; `code` says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def addresses(url: str, *, allow_private: bool) -> list[str]:
    """The IP addresses behind `url`, in the resolver's order; the caller connects to one of them and no other.

    Checking a name and then connecting by name would let the name change in between. Raises TargetRefused:
    not_https, private_target, unknown_host.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise TargetRefused("not_https")
    found = _resolved(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    public = [_public(address) for address in found]
    if not allow_private and not all(public):
        raise TargetRefused("private_target")
    if parts.scheme == "http" and any(public):
        raise TargetRefused("not_https")
    return found


def _resolved(host: str, port: int) -> list[str]:
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TargetRefused("unknown_host") from error
    found = list(dict.fromkeys(str(info[4][0]) for info in infos))
    if not found:
        raise TargetRefused("unknown_host")
    return found


def _public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return (inner or ip).is_global and not (inner or ip).is_multicast
