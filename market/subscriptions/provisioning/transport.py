"""One signed POST, by Standard Webhooks, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from standardwebhooks import Webhook

from market import outgoing

LONGEST_WAIT = timedelta(hours=24)
#: How much of a refusing answer is kept for the provider's people to read.
EXCERPT = 500


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt. `status` is 0 when there was no answer; `error` is a stable code or empty.

    `remark` is what is odd about an answer that does count; `excerpt` the beginning of one that does not.
    """

    status: int = 0
    error: str = ""
    remark: str = ""
    excerpt: str = ""
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


def post(url: str, *, id: str, secrets: Sequence[str], body: bytes, allow_private: bool) -> Outcome:
    """Send once, signed with each of `secrets`. Never raises: what went wrong is in the outcome."""
    # The receiver compares this with its own clock to refuse replays, so it is the machine's time
    # even where the marketplace runs on a test clock.
    sent_at = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "user-agent": "market-webhooks/1",
        "webhook-id": id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(id, sent_at, body.decode()) for secret in secrets),
    }
    try:
        return _outcome(outgoing.post(url, body, headers, allow_private=allow_private))
    except (outgoing.TargetRefused, outgoing.NoAnswer) as failure:
        return Outcome(error=failure.code)


def _outcome(answer: outgoing.Answer) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome(
            status=answer.status,
            answer=_object(answer.content),
            remark="answer_too_large" if answer.too_large else "",
        )
    return Outcome(
        status=answer.status,
        error=f"http_{answer.status}",
        excerpt=answer.content[: EXCERPT * 4].decode("utf-8", "replace").replace("\0", "")[:EXCERPT],
        retry_after=_wait(answer.headers.get("retry-after", "")),
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
