"""Debian's Chromium against a server of the test's own."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from tests.builders.credentials import a_code

if TYPE_CHECKING:
    from flask import Flask

_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    # A page lives for a second: its scripts have run before the optimizing compilers have made them quicker.
    "--js-flags=--always-sparkplug,--no-maglev,--no-opt",
]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser. Without Chromium the test is left out; in CI that is a failure."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not path:
        reason = "Chromium is not installed: apt install chromium-headless-shell"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve the app on a free port; gives its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = False  # type: ignore[attr-defined]  # set on the class by socketserver's mix-in
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Visits:
    """Opens pages, and fails the test when a page logged an error or something it needs did not load."""

    def __init__(self, browser: Browser, root: str) -> None:
        self.browser = browser
        self.root = root
        self.contexts: list[Any] = []
        self.complaints: list[str] = []

    def __call__(self, *, js: bool = True, width: int = 1280, dark: bool = False, lang: str = "zh") -> Page:
        """A new visitor with cookies of its own, not signed in."""
        context = self.browser.new_context(
            base_url=self.root,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=js,
            locale={"zh": "zh-CN", "en": "en-US"}[lang],
        )
        context.set_default_timeout(45_000)  # a loaded machine is slow, not wrong
        context.add_cookies([{"name": "lang", "value": lang, "url": self.root}])
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("response", self._note_response)
        return page

    def _note_console(self, message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _note_response(self, response: Any) -> None:
        # A page or a part of one may refuse on purpose; a script, style or picture may not be missing.
        may_refuse = response.request.resource_type in ("document", "xhr", "fetch")
        if response.status >= (500 if may_refuse else 400):
            self.complaints.append(f"{response.status} {response.url}")

    def close(self) -> None:
        """End all visits; raises when a page complained."""
        for context in self.contexts:
            context.close()
        assert not self.complaints, "\n".join(self.complaints)


def sign_in(page: Page, email: str, password: str, *, path: str = "") -> None:
    """Sign in through the pages for it, with a code where one is asked for; `path` is where to go afterwards."""
    page.goto(f"/sign-in?next={path}" if path else "/sign-in")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.locator("main form button").first.click()
    page.wait_for_url(lambda url: not url.partition("?")[0].endswith("/sign-in"))
    if "/sign-in/second-step" in page.url:
        page.locator("#code").fill(a_code(email))
        page.locator("main form button").first.click()
        page.wait_for_url(lambda url: "/sign-in" not in url.partition("?")[0])


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def accessibility_problems(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    results = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: "
        + ", ".join(str(node["target"]) for node in violation["nodes"][:5])
        for violation in results.response["violations"]
    ]
