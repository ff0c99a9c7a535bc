"""The marketplace, as far as this program needs it: three calls over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from examples.provider.settings import Settings


class NotNow(Exception):
    """The marketplace did not take it this time; the same thing is sent again after `wait` seconds or later."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        self.wait = wait
        super().__init__(reason)


class Market:
    """Calls with this provider's key. Every call may be repeated without harm."""

    def __init__(self, settings: Settings) -> None:
        headers = {"Authorization": f"Bearer {settings.api_key}", "Accept": "application/json"}
        self._http = httpx.Client(base_url=f"{settings.market_url}/api/v1", headers=headers, timeout=20, trust_env=False)

    def send(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Report usage; one verdict per event. Raises NotNow when the whole request was not taken."""
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        answer = self._post("/events", events, kind)
        if answer.status_code != 200:
            raise NotNow(f"{answer.status_code}: {answer.text[:200]}", _wait(answer))
        verdicts: list[dict[str, Any]] = answer.json()["events"]
        if [verdict["id"] for verdict in verdicts] != [event["id"] for event in events]:
            raise NotNow("the verdicts are not about the events that were sent")
        return verdicts

    def pending(self) -> list[dict[str, Any]]:
        """What this provider was asked and has not answered: the same messages that the webhook brings."""
        try:
            answer = self._http.get("/provisioning")
        except httpx.HTTPError as error:
            raise NotNow(f"{type(error).__name__}: {error}") from error
        if answer.status_code != 200:
            raise NotNow(f"{answer.status_code}: {answer.text[:200]}", _wait(answer))
        messages: list[dict[str, Any]] = answer.json()["data"]
        return messages

    def complete(self, request: str, access: dict[str, str]) -> int:
        """Say that a request is done; the status is final: 200, or 404 and 409 when nobody waits for it any more."""
        answer = self._post(f"/provisioning/{request}/complete", {"access": access})
        if answer.status_code not in (200, 404, 409):
            raise NotNow(f"{answer.status_code}: {answer.text[:200]}", _wait(answer))
        return answer.status_code

    def _post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        try:
            return self._http.post(path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise NotNow(f"{type(error).__name__}: {error}") from error


def _wait(answer: httpx.Response) -> float:
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isdigit() else 0.0
