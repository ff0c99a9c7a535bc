"""Take the pictures of the README from a running demo: `python docs/images/take.py var/demo.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
SIZE = {"width": 1280, "height": 860}


def main(demo: Path) -> None:
    """Chinese start page, then bill and usage in English as the sample owner sees them."""
    world = json.loads(demo.read_text())
    owner = world["sign_ins"]["sme"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light", base_url=world["address"])
        _take(page, "/?lang=zh", "home")
        page.goto("/sign-in?lang=en")
        page.fill("[name=email]", owner["email"])
        page.fill("[name=password]", owner["password"])
        page.click("main form button")
        page.goto("/console/bills/")
        newest = page.locator("main table a[href*='/console/bills/']").first.get_attribute("href")
        _take(page, newest or "/console/bills/", "bill")
        _take(page, "/console/usage/", "usage")
        browser.close()


def _take(page: Page, path: str, name: str) -> None:
    page.goto(path, wait_until="networkidle")
    page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
