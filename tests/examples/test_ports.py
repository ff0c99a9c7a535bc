"""Ports for servers that come back: nobody else's in the meantime."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from examples import ports
from market.config import ROOT

CLAIM = "from examples import ports; print(ports.claim(), flush=True); input()"


def test_the_system_hands_out_none_of_them_by_itself() -> None:
    handed_out = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert ports.claim(2) + 1 < handed_out


def test_what_is_in_use_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert not ports._take(other.getsockname()[1])


def test_a_claim_holds_against_other_processes_until_its_own_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CLAIM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        assert not ports._take(port)
        other.kill()
        other.wait()
    assert ports._take(port)
    assert not ports._take(port), "the same process does not get it twice either"
