"""The customer's side of the example storage: put, get, list and delete files, each counted once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from urllib.parse import quote

import httpx

from examples.tour.reckoning import Ledger
from examples.tour.visitor import Surprise, patiently
from examples.tour.world import CERTIFICATES, World


class Storage:
    """A bucket, and our own record of what we did with it."""

    def __init__(self, world: World, access: Mapping[str, str]) -> None:
        self.world = world
        self.ledger = Ledger()
        self.http = httpx.Client(
            base_url=access["endpoint"] + "/",
            auth=(access["access_key"], access["secret_key"]),
            timeout=60,
            trust_env=False,
        )

    def put(self, name: str, content: bytes) -> None:
        """Store a file at the world's present instant."""
        self._do("PUT", name, content, expect=201)
        self.ledger.put(name, len(content), self.world.now())

    def get(self, name: str) -> bytes:
        """Fetch a file."""
        content = self._do("GET", name, expect=200).content
        self.ledger.get(name)
        return content

    def delete(self, name: str) -> None:
        """Remove a file at the world's present instant."""
        self._do("DELETE", name, expect=204)
        self.ledger.delete(name, self.world.now())

    def names(self) -> list[str]:
        """The first thousand names in the bucket."""
        found = self._do("GET", "", expect=200).json()["objects"]
        self.ledger.list()
        return [entry["name"] for entry in found]

    def _do(self, method: str, name: str, content: bytes | None = None, *, expect: int) -> httpx.Response:
        """Send it until there is an answer. The key makes the repeats count as one."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        path = quote(name)
        answer = patiently(self.world, lambda: self.http.request(method, path, content=content, headers=headers))
        if answer.status_code != expect:
            raise Surprise(f"storage: {method} {name}: {answer.status_code} {answer.text[:200]}")
        return answer

    def reported(self) -> bool:
        """Whether the provider has told the marketplace everything; it says so at /status."""
        root = httpx.URL(str(self.http.base_url)).copy_with(path="/status")
        usage = patiently(self.world, lambda: httpx.get(root, trust_env=False, verify=CERTIFICATES, timeout=30)).json()["usage"]
        if usage.get("refused"):
            raise Surprise(f"the marketplace refused usage: {usage}")
        return not usage["waiting"]

    def close(self) -> None:
        """Hang up."""
        self.http.close()
