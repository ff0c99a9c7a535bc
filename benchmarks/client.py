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
        self._cookies: dict[str, str] = {}

    def get(self, path: str, headers: Mapping[str, str] | None = None, *, expect: int = 200) -> Answer:
        """Fetch a page. Raises WrongAnswer for any status but `expect`."""
        return self._send("GET", path, None, headers, expect)

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None, *, expect: int = 200
    ) -> Answer:
        """Send a body. Raises WrongAnswer for any status but `expect`."""
        return self._send("POST", path, body, headers, expect)

    def sign_in(self, email: str, password: str, *, code: str = "") -> None:
        """Sign in through the forms, as people do; with `code`, that of an authenticator app, where one is asked for."""
        onward = self._submit("/sign-in", email=email, password=password)
        if "/sign-in/second-step" in onward:
            self._submit("/sign-in/second-step", code=code)

    def _submit(self, path: str, **entries: str) -> str:
        """Fill the first form of a page in; gives the address that the answer leads to."""
        page = self.get(path)
        self._keep(page)
        token = _TOKEN.search(page.body.decode())
        if token is None:
            raise WrongAnswer(f"{path} has no form")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.post(path, urlencode({"csrf_token": token[1], **entries}).encode(), headers, expect=303)
        self._keep(answer)
        return answer.headers["Location"] or ""

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _keep(self, answer: Answer) -> None:
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        if self._cookies:
            self.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())

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
