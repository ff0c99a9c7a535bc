"""One signed POST, by Standard Webhooks: https only, no redirects, 15 seconds, a small answer."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

from market.subscriptions.provisioning.target import TargetRefused, addresses

TIMEOUT = 15.0
LARGEST_ANSWER = 64 * 1024
LONGEST_WAIT = timedelta(hours=24)


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt. `status` is 0 when there was no answer; `error` is a stable code or empty."""

    status: int = 0
    error: str = ""
    retry_after: timedelta | None = None
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def delivered(self) -> bool:
        """Whether the provider has it: 2xx and nothing else."""
        return not self.error

    @property
    def gone(self) -> bool:
        """Whether the provider wants no more of it."""
        return self.status == 410


def post(url: str, *, id: str, secret: str, body: bytes, allow_private: bool) -> Outcome:
    """Send once. Never raises: what went wrong is in the outcome."""
    # The receiver compares this with its own clock to refuse replays, so it is the machine's time
    # even where the marketplace runs on a test clock.
    sent_at = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "user-agent": "market-webhooks/1",
        "webhook-id": id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, sent_at, body.decode()),
    }
    try:
        return _first_reachable(url, addresses(url, allow_private=allow_private), headers, body)
    except TargetRefused as refused:
        return Outcome(error=refused.code)
    except httpx.TimeoutException:
        return Outcome(error="timeout")
    except (httpx.HTTPError, httpx.InvalidURL):
        return Outcome(error="unreachable")


def _first_reachable(url: str, ips: list[str], headers: dict[str, str], body: bytes) -> Outcome:
    until = time.monotonic() + TIMEOUT
    for ip in ips[:-1]:
        try:
            return _send(url, ip, headers, body, until)
        except httpx.ConnectError:
            continue
    return _send(url, ips[-1], headers, body, until)


def _send(url: str, ip: str, headers: dict[str, str], body: bytes, until: float) -> Outcome:
    named = httpx.URL(url)
    request = httpx.Request(
        "POST",
        named.copy_with(host=ip),
        headers={**headers, "host": named.netloc.decode("ascii")},
        content=body,
        # The certificate is checked against the name although the connection goes to the address.
        extensions={"sni_hostname": named.host, "timeout": httpx.Timeout(TIMEOUT).as_dict()},
    )
    with httpx.Client(follow_redirects=False, trust_env=False) as client:
        response = client.send(request, stream=True)
        try:
            return _outcome(response, _read(response, until))
        finally:
            response.close()


def _read(response: httpx.Response, until: float) -> bytes:
    content = b""
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > LARGEST_ANSWER:
            return b""
        if time.monotonic() > until:
            raise httpx.ReadTimeout("the whole answer took too long")
    return content


def _outcome(response: httpx.Response, content: bytes) -> Outcome:
    if response.is_success:
        return Outcome(status=response.status_code, answer=_object(content))
    return Outcome(
        status=response.status_code,
        error=f"http_{response.status_code}",
        retry_after=_wait(response.headers.get("retry-after", "")),
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _wait(text: str) -> timedelta | None:
    """`Retry-After` in seconds or as a date, at most a day."""
    if text.isascii() and text.isdigit() and len(text) < 9:
        return min(timedelta(seconds=int(text)), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return min(max(moment - datetime.now(UTC), timedelta(0)), LONGEST_WAIT)
