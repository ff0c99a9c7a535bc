"""A client that costs as little as possible: one kept connection, no parsing."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

_TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')


#: The headers in which `counted` says what a request took.
STATEMENTS, CPU_MILLISECONDS = "X-Statements", "X-Cpu-Milliseconds"


class WrongAnswer(Exception):
    """A request was not answered as expected, so its time says nothing."""


@dataclass(frozen=True)
class Answer:
    """A response and how long it took, from the first byte sent to the last one read."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    milliseconds: float


class Client:
    """One visitor on one connection, with cookies if signed in."""

    def __init__(self, address: str, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(address)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self.headers = dict(headers or {})

    def get(self, path: str, headers: Mapping[str, str] | None = None, *, expect: int = 200) -> Answer:
        """Fetch a page. Raises WrongAnswer for any status but `expect`."""
        return self._send("GET", path, None, headers, expect)

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None, *, expect: int = 200
    ) -> Answer:
        """Send a body. Raises WrongAnswer for any status but `expect`."""
        return self._send("POST", path, body, headers, expect)

    def sign_in(self, email: str, password: str) -> None:
        """Sign in through the form, as people do."""
        page = self.get("/sign-in")
        self._keep(page)
        token = _TOKEN.search(page.body.decode())
        if token is None:
            raise WrongAnswer("the sign-in page has no form")
        form = {"csrf_token": token[1], "email": email, "password": password}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._keep(self.post("/sign-in", urlencode(form).encode(), headers, expect=303))

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _keep(self, answer: Answer) -> None:
        cookie = answer.headers.get("Set-Cookie")
        if cookie:
            self.headers["Cookie"] = cookie.partition(";")[0]

    def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None, expect: int
    ) -> Answer:
        sent = {**self.headers, **(headers or {})}
        start = time.perf_counter()
        try:
            answer = self._once(method, path, body, sent)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The server hangs up on idle connections; the next request opens a new one.
            self._connection.close()
            start = time.perf_counter()
            answer = self._once(method, path, body, sent)
        elapsed = (time.perf_counter() - start) * 1000
        status, told, content = answer
        if status != expect:
            raise WrongAnswer(f"{method} {path} was answered with {status}, not {expect}: {content[:300]!r}")
        return Answer(status, told, content, elapsed)

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        self._connection.request(method, path, body, dict(headers))
        response = self._connection.getresponse()
        return response.status, response.headers, response.read()
