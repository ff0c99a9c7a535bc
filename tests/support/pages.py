"""What every HTML page must satisfy, and a small reader of pages for tests without a browser.

`problems` is run on each page that any test fetches through the `client` fixture. `Page.submit` fills a form in
as a browser without JavaScript does, hidden fields and CSRF token included.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit
from weakref import WeakKeyDictionary
from xml.etree.ElementTree import Element

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, RequestRedirect

from tests.support.trees import parse

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.support.client import Client

_FREE_INPUTS = {"hidden", "submit", "button", "reset", "image"}
_CSRF = "csrf_token"
_TOKEN = re.compile(r'(<input[^<>]* name="csrf_token"[^<>]* value=")[^"]+')
#: Pages that were found right in this process.
_right: set[int] = set()
#: And what their links lead to, by the number of the routes, address and method.
_leading: set[tuple[int, str, str]] = set()
#: How many rules there are and what they say.
_maps: WeakKeyDictionary[Map, tuple[int, int]] = WeakKeyDictionary()


def text_of(element: Element) -> str:
    """The element's text with single spaces; drawings are left out."""
    return " ".join("".join(_texts(element)).split())


def _texts(element: Element) -> Iterator[str]:
    if element.tag not in ("script", "style", "template"):
        yield element.text or ""
        for child in element:
            yield from _texts(child)
            yield child.tail or ""


def problems(html: str, path: str, app: Flask, *, fragment: bool = False) -> list[str]:
    """Everything wrong with a page, in words; empty when it is right.

    A page that differs from a right one in its CSRF token only is right too, and is not read again.
    """
    page = hash((_TOKEN.sub(r"\1", html), path, fragment, _routes(app)))
    if page in _right:
        return []
    found = _problems(html, path, app, fragment)
    if not found:
        _right.add(page)
    return found


def _routes(app: Flask) -> int:
    """What links may lead to, as a number."""
    count = sum(map(len, app.url_map._rules_by_endpoint.values()))
    if _maps.get(app.url_map, (0, 0))[0] != count:
        _maps[app.url_map] = count, hash(tuple((rule.rule, frozenset(rule.methods or ())) for rule in app.url_map.iter_rules()))
    return _maps[app.url_map][1]


def _problems(html: str, path: str, app: Flask, fragment: bool) -> list[str]:
    tree, errors = parse(html)
    # A part that htmx puts into a page has no doctype and no heading of its own.
    found = [error for error in errors if not (fragment and "expected-doctype" in error)]
    if not fragment:
        found += _head(tree)
    ids = [name for element in tree.iter() if (name := element.get("id"))]
    found += [f"id {name!r} stands twice" for name, number in sorted(Counter(ids).items()) if number > 1]
    found += _inline(tree)
    found += _labels(tree)
    found += _forms(tree, path)
    found += _images(tree)
    found += _links(tree, path, app, set(ids))
    return found


def _head(tree: Element) -> Iterator[str]:
    if not (tree.get("lang") or "").strip():
        yield "<html> has no lang"
    titles = [text_of(title) for head in tree.iter("head") for title in head.iter("title")]
    headings = [text_of(heading) for heading in tree.iter("h1")]
    if len(headings) != 1:
        yield f"{len(headings)} h1 elements: {headings}"
    if len(titles) != 1 or not titles[0]:
        yield f"not one title: {titles}"
    elif len(headings) == 1 and not _agree(headings[0], titles[0]):
        yield f"title {titles[0]!r} does not contain the heading {headings[0]!r}"
    if not any(True for _ in tree.iter("main")):
        yield "no <main>"


def _agree(heading: str, title: str) -> bool:
    """The title begins with the heading, perhaps after "Error:"; the site's name may be the whole of it."""
    squeeze = re.compile(r"[\s·|—–-]+")
    return squeeze.sub("", heading).casefold() in squeeze.sub("", title).casefold()


def _inline(tree: Element) -> Iterator[str]:
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag == "style":
            yield "inline <style>"
        # A block of data is never run, and the content security policy lets it be.
        if (
            element.tag == "script"
            and not element.get("src")
            and element.get("type") != "application/ld+json"
        ):
            yield "inline <script>"
        for name, value in element.attrib.items():
            if name == "style" or (name.startswith("on") and not name.startswith("on-")):
                yield f"<{element.tag} {name}=…>"
            if name in ("href", "action", "src") and value.strip().casefold().startswith("javascript:"):
                yield f"<{element.tag} {name}=javascript:…>"


def _labels(tree: Element) -> Iterator[str]:
    named = {label.get("for") for label in tree.iter("label") if text_of(label)}
    wrapped = {id(child) for label in tree.iter("label") if text_of(label) for child in label.iter()}
    by_id = {element.get("id"): element for element in tree.iter() if element.get("id")}
    for tag in ("input", "select", "textarea"):
        for field in tree.iter(tag):
            if tag == "input" and field.get("type", "text") in _FREE_INPUTS:
                continue
            labelled = (field.get("aria-labelledby") or "").split()
            if labelled and all(name in by_id for name in labelled):
                continue
            if field.get("aria-label") or id(field) in wrapped or field.get("id") in named:
                continue
            yield f"<{tag} name={field.get('name')!r}> has no label"
    for tag in ("button", "a"):
        for element in tree.iter(tag):
            if tag == "a" and element.get("href") is None:
                continue
            titled = any(text_of(title) for title in element.iter("title"))
            pictured = any(image.get("alt") for image in element.iter("img"))
            if not (
                text_of(element)
                or element.get("aria-label")
                or element.get("aria-labelledby")
                or titled
                or pictured
            ):
                yield f"<{tag}> without a name: {element.attrib}"


def _forms(tree: Element, path: str) -> Iterator[str]:
    for form in tree.iter("form"):
        if form.get("method", "get").casefold() != "post":
            continue
        target = urlsplit(urljoin(f"http://localhost{path}", form.get("action") or ""))
        if target.hostname != "localhost":
            yield f"a form posts to {target.hostname}"
        elif not any(field.get("name") == _CSRF and field.get("value") for field in form.iter("input")):
            yield f"the form to {target.path} has no CSRF token"
        if not any(b.get("type", "submit") == "submit" for b in (*form.iter("button"), *form.iter("input"))):
            yield f"the form to {target.path} has no button"


def _images(tree: Element) -> Iterator[str]:
    for image in tree.iter("img"):
        if image.get("alt") is None:
            yield f"<img src={image.get('src')!r}> has no alt"


def _links(tree: Element, path: str, app: Flask, ids: set[str]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    routes = _routes(app)
    for method, address in _addresses(tree):
        if address.startswith("#"):
            if address != "#" and address[1:] not in ids:
                yield f"the link {address} goes nowhere on the page"
            continue
        target = _own("/" if address.startswith("/") else path, address)
        if target is None or (method, target) in seen:
            continue
        seen.add((method, target))
        if not _leads(app, routes, target, method):
            yield f"{method} {target} goes nowhere"


@lru_cache(maxsize=10_000)
def _own(path: str, address: str) -> str | None:
    """Where on our site this address leads from that page; None to elsewhere."""
    parts = urlsplit(urljoin(f"http://localhost{path}", address))
    return parts.path if parts.scheme in ("http", "https") and parts.hostname == "localhost" else None


def _leads(app: Flask, routes: int, path: str, method: str) -> bool:
    """Whether a route answers; asked once, for every page has the same menus."""
    asked = (routes, path, method)
    if asked not in _leading:
        if not _routed(app, path, method):
            return False
        _leading.add(asked)
    return True


def _addresses(tree: Element) -> Iterator[tuple[str, str]]:
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        tag, get = element.tag.rpartition("}")[2], element.get
        if tag in ("a", "link", "area") and get("href") is not None:
            yield "GET", get("href") or ""
        if tag in ("script", "img", "iframe", "source") and get("src"):
            yield "GET", get("src") or ""
        if tag == "use":
            yield (
                "GET",
                (get("href") or get("{http://www.w3.org/1999/xlink}href") or "").partition("#")[0] or "#",
            )
        if tag == "form":
            yield get("method", "get").upper(), get("action") or ""
        if tag in ("button", "input") and get("formaction"):
            yield (get("formmethod") or "post").upper(), get("formaction") or ""
        for verb in ("get", "post", "put", "delete"):
            if address := get(f"hx-{verb}"):
                yield verb.upper(), address


def _routed(app: Flask, path: str, method: str) -> bool:
    """Whether a route answers; a file below /static must also exist."""
    try:
        endpoint, arguments = app.url_map.bind("localhost").match(path, method=method)
    except RequestRedirect:
        return True
    except HTTPException:
        return False
    if endpoint == "static" or endpoint.endswith(".static"):
        return (Path(app.static_folder or "") / arguments.get("filename", "")).is_file()
    return True


class Page:
    """A fetched page: what it says and what can be done on it."""

    def __init__(self, client: Client, response: TestResponse) -> None:
        self.client = client
        self.response = response
        self.status = response.status_code
        self.path = response.request.path
        self.html = response.get_data(as_text=True)

    @cached_property
    def tree(self) -> Element:
        """The page as elements."""
        return parse(self.html)[0]

    @property
    def heading(self) -> str:
        """The text of the page's h1."""
        return next((text_of(heading) for heading in self.tree.iter("h1")), "")

    @property
    def text(self) -> str:
        """What a reader sees, in one line."""
        return next((text_of(body) for body in self.tree.iter("body")), "")

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements by tag and attributes; `class_` matches one class, `_` in a name stands for `-`."""
        return [element for element in self.tree.iter(tag) if _matches(element, attributes)]

    def one(self, tag: str, **attributes: str) -> Element:
        """The only such element."""
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} <{tag} {attributes}> on {self.path}"
        return found[0]

    def link(self, text: str) -> str:
        """The address behind the first link whose text contains `text`."""
        for element in self.tree.iter("a"):
            if text in text_of(element) and element.get("href"):
                return urljoin(self.path, element.get("href") or "")
        raise AssertionError(f"no link {text!r} on {self.path}: {[text_of(a) for a in self.tree.iter('a')]}")

    def follow(self, text: str) -> Page:
        """Click a link."""
        return self.client.page(self.link(text))

    def form(self, action: str | None = None, button: str | None = None) -> Element:
        """The form with this action (its end is enough) or this button; without either, the one in <main>."""
        forms = [form for main in self.tree.iter("main") for form in main.iter("form")] or list(
            self.tree.iter("form")
        )
        if action is not None or button is not None:
            forms = list(self.tree.iter("form"))
        # One that waits for JavaScript to show it is filled in only where there is no other.
        forms = [form for form in forms if form.get("hidden") is None] or forms
        if action is not None:
            forms = [
                form for form in forms if (form.get("action") or self.path).partition("?")[0].endswith(action)
            ]
        if button is not None:
            forms = [form for form in forms if any(button in text_of(b) for b in form.iter("button"))]
        posts = [form for form in forms if form.get("method", "get").casefold() == "post"]
        chosen = posts if action is None and button is None and posts else forms
        assert len(chosen) == 1, f"{len(chosen)} forms (action={action!r}, button={button!r}) on {self.path}"
        return chosen[0]

    def submit(
        self, action: str | None = None, *, button: str | None = None, follow: bool = True, **values: Any
    ) -> Page:
        """Fill a form in and press its button. A value may be a list; None leaves the field out."""
        form = self.form(action, button)
        data = [pair for pair in _filled(form) if pair[0] not in values]
        for name, value in values.items():
            if value is not None:
                data += [(name, one) for one in (value if isinstance(value, list | tuple) else [value])]
        pressed = next((b for b in form.iter("button") if button and button in text_of(b)), None)
        if pressed is not None and pressed.get("name"):
            data.append((pressed.get("name") or "", pressed.get("value") or ""))
        target = urljoin(
            self.path,
            (pressed.get("formaction") if pressed is not None else None) or form.get("action") or "",
        )
        return self.client.send(form.get("method", "get").upper(), target or self.path, data, follow=follow)


def _matches(element: Element, attributes: dict[str, str]) -> bool:
    for name, value in attributes.items():
        if name == "class_":
            if value not in (element.get("class") or "").split():
                return False
        elif element.get(name.strip("_").replace("_", "-")) != value:
            return False
    return True


def _filled(form: Element) -> Iterator[tuple[str, str]]:
    """What the form would send untouched."""
    for field in form.iter("input"):
        name, kind = field.get("name"), field.get("type", "text")
        if (
            not name
            or field.get("disabled") is not None
            or kind in ("submit", "button", "image", "file", "reset")
        ):
            continue
        if kind not in ("checkbox", "radio") or field.get("checked") is not None:
            yield name, field.get("value") or ("on" if kind == "checkbox" else "")
    for area in form.iter("textarea"):
        if area.get("name"):
            yield area.get("name") or "", (area.text or "").removeprefix("\n")
    for select in form.iter("select"):
        options = list(select.iter("option"))
        chosen: Iterable[Element] = [o for o in options if o.get("selected") is not None]
        if not chosen and select.get("multiple") is None:
            chosen = options[:1]
        for option in chosen:
            value = option.get("value")
            yield select.get("name") or "", text_of(option) if value is None else value
