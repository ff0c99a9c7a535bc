"""Somebody who walks through the marketplace in a real browser, with every click counted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import APIResponse, Locator, Page, expect

from tests.builders.accounts import PASSWORD
from tests.support.browser import sign_in

#: What can be pressed.
PRESSABLE = (
    "a[href], button, summary, label.opt-row, label.plan, label:has(input[type=radio]), label:has(input[type=checkbox])"
)


@dataclass
class Walker:
    """One visitor. `click` counts; typing is free, as in the usability targets."""

    page: Page
    script: bool
    clicks: list[str] = field(default_factory=list)

    def at(self, path: str) -> Walker:
        """Begin at an address, with no clicks counted."""
        self.page.goto(path)
        self.clicks.clear()
        return self

    def click(self, text: str, *, within: str = "body", double: bool = False, nth: int = 0) -> Walker:
        """Press the link, button, choice or fold that says this."""
        target = self.named(text, within).nth(nth)
        target.dblclick() if double else target.click()
        self.clicks.append(text)
        return self

    def named(self, text: str, within: str = "body") -> Locator:
        """What can be pressed and contains this text; what is visible only."""
        return self.page.locator(within).locator(PRESSABLE).filter(has_text=text).filter(visible=True)

    def write(self, label: str, value: str, *, nth: int = 0) -> Walker:
        """Type into the field with this label."""
        self.page.get_by_label(re.compile(re.escape(label))).nth(nth).fill(value)
        return self

    def fill(self, values: Mapping[str, str | Sequence[str]]) -> Walker:
        """Fill boxes in by their names, as quickly as possible: texts, lists, radio buttons, boxes to tick."""
        for name, value in values.items():
            boxes = self.page.locator(f"main [name='{name}']")
            kind = boxes.first.evaluate("box => box.type")
            if kind in ("radio", "checkbox"):
                for one in [value] if isinstance(value, str) else value:
                    self.page.locator(f"main [name='{name}'][value='{one}']").check()
            elif kind.startswith("select"):
                boxes.first.select_option(value)
            else:
                boxes.first.fill(str(value))
        return self

    def choose(self, label: str, option: str) -> Walker:
        """Pick from a list."""
        self.page.get_by_label(label).select_option(label=option)
        return self

    def see(self, *texts: str, within: str = "main") -> Walker:
        """The page says all of this, sooner or later."""
        for text in texts:
            expect(self.page.locator(within).first).to_contain_text(text)
        return self

    def heading(self, text: str) -> Walker:
        """The page's title on the page."""
        expect(self.page.locator("h1")).to_contain_text(text)
        return self

    def address(self, path: str) -> Walker:
        """Where the browser is now."""
        expect(self.page).to_have_url(re.compile(path))
        return self

    def sign_in(self, email: str, *, path: str = "") -> Walker:
        """Sign in through the pages for it, then count from nothing; `path` is where to go afterwards."""
        sign_in(self.page, email, PASSWORD, path=path)
        self.clicks.clear()
        return self

    def post(self, address: str, **fields: str) -> APIResponse:
        """Send what no button on the page sends, as the person who is signed in."""
        token = self.page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
        return self.page.request.post(address, form={"csrf_token": token, **fields}, max_redirects=0)

    def report(self, secret: str, event: dict[str, Any]) -> None:
        """What a provider's program does: one CloudEvent, which has to be accepted."""
        answer = self.page.request.post(
            "/api/v1/events", data=json.dumps(event),
            headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/cloudevents+json", "Accept": "application/json"},
        )  # fmt: skip
        assert answer.status == 200, answer.text()
        assert [verdict["status"] for verdict in answer.json()["events"]] == ["accepted"]
