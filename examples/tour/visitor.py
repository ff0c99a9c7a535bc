"""Somebody at a browser without a screen: follows links, fills in forms, reads what the pages say."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from examples.tour import page as pages
from examples.tour.page import Element
from examples.tour.world import World

T = TypeVar("T")

#: How often and how long to try again while a server is being restarted.
PATIENCE_SECONDS, PAUSE_SECONDS = 180.0, 0.2


class Surprise(Exception):
    """A page was not what a person would expect."""


def patiently(world: World, act: Callable[[], T]) -> T:
    """Do it again while nobody answers but somebody may yet: what is sent twice must do no harm."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except httpx.TransportError:
            world.require_running()
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


class Visitor:
    """A person's browser: cookies, the page she is on."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.http = httpx.Client(base_url=world.address, follow_redirects=True, timeout=60, trust_env=False)
        self.page = Element("page", {})
        self.path = ""

    def close(self) -> None:
        """Close the window."""
        self.http.close()

    def go(self, path: str) -> Element:
        """Open a page; it must be there."""
        return self._arrive(patiently(self.world, lambda: self.http.get(path)))

    def submit(self, *holding: str, **entries: str) -> Element:
        """Send the form of this page that has the fields `holding` and `entries`, filled in with `entries`."""
        wanted = {*holding, *entries}
        form = next((f for f in pages.forms(self.page) if f.method == "post" and wanted <= f.names), None)
        if form is None:
            raise Surprise(f"{self.path}: no form with {sorted(wanted)}")
        data = {**form.fields, **entries}
        target = form.action or self.path
        return self._arrive(
            patiently(
                self.world,
                lambda: self.http.post(target, data=data, headers={"Referer": str(self.http.base_url)}),
            )
        )

    def _arrive(self, answer: httpx.Response) -> Element:
        self.path = answer.url.raw_path.decode()
        self.page = pages.read(answer.text)
        if answer.status_code != 200:
            main = self.page.first("main")
            raise Surprise(f"{self.path}: {answer.status_code} {main.text[:300] if main else ''}")
        return self.page

    def link(self, pattern: str) -> str:
        """The address of the first link in the page whose path matches the pattern as a whole."""
        for anchor in self.page.all("a"):
            if re.fullmatch(pattern, anchor.attributes.get("href", "").partition("?")[0]):
                return anchor.attributes["href"]
        raise Surprise(f"{self.path}: no link to {pattern}")
