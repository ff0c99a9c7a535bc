"""Reading pages into trees. html5lib is exact and slow; what it has found right once need not be shown to it again.

A page of ours closes every element that it opens and quotes every value. For such a page what html5lib has to say
depends, element by element, on what stands inside what; so it is asked about each such place when it first turns up in
this run of the tests, and whether its tree is ours. Whatever is written in any other way, and every fragment, it reads itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from html import unescape
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder

import html5lib

from tests.support.shared import Numbers

_TOKEN = re.compile(r"<([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[^\s\"'<>/=]+(?:=(?:\"[^\"]*\"|'[^']*'))?)*)\s*(/?)>|</([a-zA-Z][a-zA-Z0-9-]*)>|([^<]+)")
_ATTRIBUTE = re.compile(r"\s+([^\s\"'<>/=]+)(?:=(?:\"([^\"]*)\"|'([^']*)'))?")
_DOCTYPE = re.compile(r"\s*<!doctype html>\s*", re.IGNORECASE)
#: What is no plain page: characters that are errors, references beyond those that Jinja writes.
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U0001fffe-\U0010ffff]|&(?!(?:amp|lt|gt|quot|nbsp|emsp|#34|#39);)")
_VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
_SVG, _SVG_NAMES = "svg", "{http://www.w3.org/2000/svg}"
#: A place is what stands there and the place that this stands in; here are their numbers, the same in every process.
_numbers: dict[tuple[int, str], int] = {}
#: Where html5lib found nothing wrong and made the same of it as we.
_known = Numbers()


def share(file: Path) -> None:
    """What one worker has shown to html5lib, the others need not."""
    _known.share(file)



class _Unlike(Exception):
    """The page is not written plainly."""


@lru_cache(maxsize=8)
def parse(html: str) -> tuple[Element, tuple[str, ...]]:
    """The tree, and what the HTML standard calls parse errors in it; nobody changes the tree.

    The last few are kept: a page is parsed to be checked and, in most tests, once more to be read.
    """
    try:
        tree, places = plain(html)
    except _Unlike:
        return exactly(html)
    if _known.hold(places):
        return tree, ()
    exact, errors = exactly(html)
    if not errors and same(tree, exact):
        _known.add(places)
    return exact, errors


def exactly(html: str) -> tuple[Element, tuple[str, ...]]:
    """What the standard makes of it."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(html)
    return tree, tuple(f"line {at[0]}: {code} {data or ''}".strip() for at, code, data in parser.errors)


def plain(html: str) -> tuple[Element, set[int]]:
    """The tree of a page that is written plainly, and the places in it."""
    html = html.replace("\r\n", "\n")  # as the standard begins
    start = _DOCTYPE.match(html)
    if start is None or _ODD.search(html):
        raise _Unlike
    return _Reader().read(html, start.end())


class _Reader:
    """Puts one page together."""

    def __init__(self) -> None:
        self.tree = TreeBuilder()
        self.open: list[tuple[str, int]] = []
        self.places: set[int] = set()
        self.drawing = 0

    def read(self, html: str, at: int) -> tuple[Element, set[int]]:
        end = len(html.rstrip())
        while at < end:
            token = _TOKEN.match(html, at)
            if token is None:
                raise _Unlike
            at = token.end()
            start, attributes, closed, ended, text = token.groups()
            if text is not None:
                self._text(text)
            elif ended is not None:
                self._end(ended, last=at >= end)
            else:
                self._start(start, attributes, bool(closed))
                if start == "script":
                    at = self._script(html, at)
        if self.open:
            raise _Unlike
        tree = self.tree.close()
        if [child.tag for child in tree] != ["head", "body"]:
            raise _Unlike
        return tree, self.places

    def _start(self, name: str, attributes: str, closed: bool) -> None:
        if name == _SVG:
            self.drawing += 1
        void = name in _VOID and not self.drawing
        if closed and not (void or self.drawing) or name != name.lower() and not self.drawing:
            raise _Unlike
        values: dict[str, str] = {}
        for key, quoted, single in _ATTRIBUTE.findall(attributes):
            if key in values or ":" in key or key != key.lower() and not self.drawing:
                raise _Unlike
            value = quoted or single
            values[key] = unescape(value) if "&" in value else value
        self.tree.start(_SVG_NAMES + name if self.drawing else name, values)
        self.open.append((name, self._place(name)))
        if void or closed:
            self._end(name)

    def _end(self, name: str, *, last: bool = False) -> None:
        if not self.open or self.open.pop()[0] != name or bool(self.open) == last:
            raise _Unlike
        self.tree.end(_SVG_NAMES + name if self.drawing else name)
        if name == _SVG:
            self.drawing -= 1

    def _text(self, text: str) -> None:
        inside = self.open[-1][0] if self.open else ""
        if text.strip():
            self._place("#text")
        elif inside in ("", "html"):
            return
        if inside in ("textarea", "pre"):
            text = text.removeprefix("\n")
        self.tree.data(unescape(text) if "&" in text else text)

    def _script(self, html: str, at: int) -> int:
        """What stands in a script is no text of the page."""
        end = html.find("</script>", at)
        if end < 0 or "<!--" in html[at:end]:
            raise _Unlike
        self.tree.data(html[at:end])
        return end

    def _place(self, name: str) -> int:
        """The number of this place."""
        key = (self.open[-1][1] if self.open else 0, name)
        number = _numbers.get(key)
        if number is None:
            number = _numbers[key] = int.from_bytes(blake2b(f"{key[0]} {name}".encode(), digest_size=8).digest())
        self.places.add(number)
        return number


def same(one: Element, other: Element) -> bool:
    """Whether two trees say the same; white space around texts aside."""
    if one.tag != other.tag or one.attrib != other.attrib or len(one) != len(other):
        return False
    texts = (one.text or "").strip() == (other.text or "").strip() and (one.tail or "").strip() == (other.tail or "").strip()
    return texts and all(same(mine, its) for mine, its in zip(one, other, strict=True))
