"""Every page type in a real browser: accessible in both themes and two widths, never wider than a phone, light to load.

One world, one browser, each page loaded once; width and colors change without loading it again.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Collection, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import axe_playwright_python
import pytest
from flask import Flask
from playwright.sync_api import Page

from tests.builders.accounts import PASSWORD
from tests.builders.worlds import Side, World
from tests.support.addresses import routes
from tests.support.browser import overflow, sign_in
from tests.support.shared import Numbers

#: Half a minute for the longest walk on two idle cores; a busy machine may take its time.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
#: WCAG 2.2 AA and below, in full.
RULES: dict[str, Any] = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}, "resultTypes": ["violations"]}
#: What of it depends on colors.
COLORS: dict[str, Any] = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}, "resultTypes": ["violations"]}
SHAPES = {**RULES, "rules": {name: {"enabled": False} for name in COLORS["runOnly"]["values"]}}
#: One element for each way of being colored, of what axe reads to judge it: its own colors, size and weight, those of what it
#: stands in, whether it is a link among words, all that is painted behind it and by whatever else meets it, and what would excuse
#: it: that it is no word, out of use or out of sight. Whatever is colored in the same way has the same contrast, on whichever page and however wide.
COLORED = """() => {
    const paints = new Map(), painted = new Map(), found = new Map();
    const paint = element => {
        if (!paints.has(element)) {
            const s = getComputedStyle(element);
            const own = [s.backgroundColor, s.backgroundImage, s.opacity, s.filter, s.mixBlendMode, s.clip, s.position, s.zIndex, s.transform].join(" ");
            paints.set(element, own === "rgba(0, 0, 0, 0) none 1 none normal auto static auto none" ? "" : own + ";");
        }
        return paints.get(element);
    };
    const behind = element => {
        if (!element) return "";
        if (!painted.has(element)) painted.set(element, behind(element.parentElement) + paint(element));
        return painted.get(element);
    };
    const all = [...document.body.querySelectorAll("*")].filter(element => element.checkVisibility());
    const places = all.filter(paint).map(element => [element, element.getBoundingClientRect()]);
    const meeting = element => {
        const r = element.getBoundingClientRect();
        const others = places.filter(([other, o]) => o.left < r.right && r.left < o.right && o.top < r.bottom && r.top < o.bottom && !other.contains(element));
        return [...new Set(others.map(([other]) => behind(other) + (element.compareDocumentPosition(other) & 2)))].join("|");
    };
    // A link among words must be told from them; one that stands alone need not be.
    const wordsAround = element => {
        const block = element.parentElement;
        if ([...block.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())) return true;
        return getComputedStyle(block).display.startsWith("inline") && wordsAround(block);
    };
    for (const element of all) {
        const text = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.data.trim()).join("");
        if (!(text || element.matches("input, select, textarea"))) continue;
        const s = getComputedStyle(element), around = getComputedStyle(element.parentElement);
        const told = element.localName === "a" && wordsAround(element);
        const excused = [text.length < 2 || !/[\\p{L}\\p{N}]/u.test(text), ...["[disabled], [aria-disabled]", "[aria-hidden]", "label"].map(which => !!element.closest(which))];
        const key = [element.localName, s.color, s.fontSize, s.fontWeight, s.textDecorationLine, s.textShadow, around.color, told, behind(element), meeting(element), excused].join(",");
        if (!found.has(key)) found.set(key, element);
    }
    window.colored = [...found.values()];
    return [...found.keys()];
}"""
#: The same pages as they look when they are asked for something; of the world "one".
ASKED = (
    "/offerings/?q=备份&cert=djbh3&sort=price", "/offerings/?q=备份&cert=djbh3&trial=1&budget=50", "/offerings/?q=zzzz",
    "/compare/?s=backup-one", "/compare/?s=backup-one&s=listed-one", "/compare/?s=backup-one&s=listed-one&s=candidate-one&only=1",
    "/compare/?s=backup-one&s=no-such", "/offerings/backup-one?plan=basic",
)  # fmt: skip
#: And what only a firm is shown there: its own use.
ASKED_BY_A_FIRM = ("/compare/?s=backup-one&s=listed-one&use=mine", "/compare/file/?s=backup-one&s=listed-one")
#: How far what is read may move while the page arrives: the sum that browsers call cumulative layout shift.
SHIFT = 0.05
WATCH = """window.moved = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => window.moved += entry.hadRecentInput ? 0 : entry.value))
    .observe({type: "layout-shift", buffered: true});"""
FILES = (".pdf", ".csv", ".ndjson", ".json", ".txt", ".xml", "/healthz")
FACES = ("storefront", "console", "vendor", "admin", "docs")
#: What is there only after a password or a letter; test_second_step.py looks at the first of them.
LEADING_ON = ("storefront.second_step.show", "storefront.recovery.")
STANDING = ("storefront.recovery.forgot", "storefront.recovery.sent")
#: Where whoever may not enter is led.
DOORS = ("/sign-in", "/account/second-step")
#: Bytes: of the page itself, raw and packed as the first packets carry it.
HTML, HTML_PACKED, NODES = 60_000, 14 * 1024, 1_500


def addresses(app: Flask, world: World, side: Side | None, faces: Collection[str] = FACES) -> Iterator[str]:
    """One address for each page type that is meant for this visitor."""
    for route in routes(app, method="GET"):
        stands = route.endpoint in STANDING or not route.endpoint.startswith(LEADING_ON) and not route.endpoint.endswith((".document", ".proof", "bills.events", "vendor.events.line"))
        if route.face in faces and stands and world.visitor(route.endpoint) is side:
            address = route.address(world.known(route.endpoint))
            if not address.endswith(FILES):
                yield address


def violations(page: Page, options: dict[str, Any], where: str = "document") -> list[str]:
    """What axe finds on the page as it is."""
    script = """async options => (await axe.run(WHERE, options)).violations.map(
        v => `${v.id}: ${v.help}: ` + v.nodes.slice(0, 4).map(n => n.target.join(' ')).join(', '))""".replace("WHERE", where)
    return list(page.evaluate(script, options))


class Colors:
    """What has been found to be readable, by whichever visitor of this run, in either theme."""

    def __init__(self, page: Page, known: Numbers) -> None:
        self.page, self.known, self.theme = page, known, ""

    def problems(self, *themes: Literal["light", "dark"]) -> Iterator[str]:
        """What is wrong with what is colored in a way not seen yet."""
        for theme in themes:
            if theme != self.theme:
                self.page.emulate_media(color_scheme=theme)
                self.theme = theme
            found = {_number(f"{theme} {way}"): at for at, way in enumerate(self.page.evaluate(COLORED))}
            self.known.hold(set(found))
            if new := [at for way, at in found.items() if way not in self.known.held]:
                wrong = violations(self.page, COLORS, f"{{include: {new}.map(at => window.colored[at])}}")
                yield from (f"{theme}: {one}" for one in wrong)
                if not wrong:
                    self.known.add(set(found))


def _number(way: str) -> int:
    return int.from_bytes(blake2b(way.encode(), digest_size=8).digest())


@pytest.fixture(scope="session")
def readable(run_folder: Path) -> Numbers:
    """The ways of being colored that any worker has found right."""
    known = Numbers()
    known.share(run_folder / "colors")
    return known


def come(visit: Any, side: Side | None) -> Page:
    """A page that belongs to this visitor. Nothing moves, so that colors are measured when they have arrived."""
    page: Page = visit(width=1440)
    page.emulate_media(reduced_motion="reduce")
    page.add_init_script(WATCH)
    page.add_init_script(AXE)  # sent once; not half a megabyte through the driver for each page
    if side is not None:
        sign_in(page, side.email, PASSWORD)
    return page


@pytest.mark.parametrize("who", ["anybody", "buyer", "seller", "office", "person"])
def test_every_page_is_accessible_fits_a_phone_and_is_light(app: Flask, world: World, visit: Any, readable: Numbers, who: str) -> None:
    wrong: list[str] = []
    side = {"buyer": world.buyer, "seller": world.seller, "office": world.office, "person": world.buyer}.get(who)
    page = come(visit, side)
    colors = Colors(page, readable)
    asked = {"anybody": ASKED, "buyer": ASKED_BY_A_FIRM}.get(who, ())
    for address in (*addresses(app, world, side, ("account",) if who == "person" else FACES), *asked):
        answer = page.goto(address)
        assert answer is not None and answer.status < 400, f"{address}: {answer and answer.status}"
        if not unquote(page.url).endswith(address):
            assert not any(door in page.url for door in DOORS), f"{address} led to {page.url}"
            continue  # to a page that is looked at by itself
        wrong += weight(page, address, answer.body())
        wrong += [f"{address} at 1440: {problem}" for problem in [*colors.problems("light", "dark"), *violations(page, SHAPES)]]
        page.set_viewport_size({"width": 390, "height": 844})
        wrong += [f"{address} at 390: {problem}" for problem in [*colors.problems("dark", "light"), *violations(page, SHAPES)]]
        page.set_viewport_size({"width": 320, "height": 640})
        if (wider := overflow(page)) > 0:
            wrong.append(f"{address} is {wider} px wider than a window of 320")
        # Nothing of it is laid out and painted once more while the window becomes wide again for the next.
        page.evaluate("document.documentElement.style.display = 'none'")
        page.set_viewport_size({"width": 1440, "height": 900})
    assert not wrong, "\n".join(wrong)


def test_a_link_among_words_is_judged_although_one_like_it_stands_alone(visit: Any) -> None:
    page = come(visit, None)
    page.goto("/sign-in")  # axe comes with a page that was loaded
    page.evaluate("""() => {
        document.body.innerHTML = `<main><nav><a href="/">示例</a></nav><p>这里有字。</p><p hidden>这里有一个 <a href="/">示例</a>，读的人看不出来。</p></main>`;
        document.querySelectorAll("a").forEach(link => Object.assign(link.style, {color: "#1d4ed8", textDecoration: "none"}));
    }""")
    colors = Colors(page, Numbers())
    assert list(colors.problems("light")) == []
    page.evaluate("document.querySelector('p[hidden]').hidden = false")
    assert any("link-in-text-block" in problem for problem in colors.problems("light"))


def weight(page: Page, address: str, html: bytes) -> Iterator[str]:
    """What the page weighs more than it may."""
    if len(html) > HTML:
        yield f"{address}: {len(html):,} bytes of HTML"
    if (packed := len(gzip.compress(html, 6))) > HTML_PACKED:
        yield f"{address}: {packed:,} bytes of HTML packed"
    nodes, moved = page.evaluate("[document.getElementsByTagName('*').length, window.moved]")
    if nodes > NODES:
        yield f"{address}: {nodes:,} elements"
    if moved > SHIFT:
        yield f"{address}: moves by {moved:.3f} while it arrives"


def test_a_first_visit_is_small(visit: Any, world: World) -> None:
    page: Page = visit(width=390)
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto("/", wait_until="load")
    sizes = {answer.url: len(gzip.compress(answer.body(), 6)) for answer in answers}
    kinds = [answer.request.resource_type for answer in answers]
    assert len(answers) <= 10 and sum(sizes.values()) <= 60 * 1024, sizes
    assert kinds.count("stylesheet") == 1 and kinds.count("script") == 2, kinds
    assert all(answer.url.startswith(page.url) for answer in answers), "something comes from elsewhere"
    answers.clear()
    page.goto("/offerings/")
    again = [answer for answer in answers if not answer.from_service_worker and answer.request.resource_type != "document"]
    assert all("immutable" in (answer.headers.get("cache-control") or "") for answer in again), "assets are loaded again"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chosen_theme_is_there_at_once(visit: Any, world: World, theme: str) -> None:
    page: Page = visit(dark=theme == "light")
    page.goto(f"/?theme={theme}")
    assert page.locator("html").get_attribute("data-theme") == theme
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(int(part) for part in re.findall(r"\d+", background)[:3]) > 380
    assert light == (theme == "light"), background
