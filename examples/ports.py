"""Ports for servers that are started a little later, or killed and started again.

A port that the system itself hands out (`ip_local_port_range`, which is where binding to 0 leads too) becomes the near
end of anybody's outgoing connection as soon as the server is down, and stays taken for a minute after that one is
closed. Ports below that range are taken by nobody who does not ask for them by number.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

#: Below are the ports that people and other services like; `.ci/postgres` begins at the end.
_FIRST, _END = 10_000, 20_000
_FEWEST = 1_000
_ATTEMPTS = 1_000
# A seed that makes a test repeatable must not lead two tests to one port.
_DICE = random.SystemRandom()


def claim(count: int = 1) -> int:
    """A free port, followed by `count - 1` further ones: this process's until it ends, so that no other claims them."""
    room = _room()
    for _ in range(_ATTEMPTS):
        first = _DICE.choice(room[: 1 - count or None])
        if all(_take(port) for port in range(first, first + count)):
            return first
    raise RuntimeError(f"no {count} free ports in a row between {room[0]} and {room[-1]}")


def _room() -> range:
    """The ports that the system does not hand out by itself; where it leaves hardly any, the usual ones."""
    try:
        handed_out = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        handed_out = _END
    return range(_FIRST, max(_FIRST + _FEWEST, min(_END, handed_out)))


def _take(port: int) -> bool:
    """Whether nobody uses the port and nobody has claimed it.

    The claim is a name in the kernel that goes away with this process: no file is left behind when it is killed.
    """
    name = socket.socket(socket.AF_UNIX)
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
            name.bind(f"\0market-port-{port}")
        except OSError:
            name.close()
            return False
    name.detach()
    return True
