"""Reading pages as a person does: headings, forms, tables, links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_ENTRIES = ("input", "select", "textarea", "button")
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "use", "wbr"}


@dataclass
class Element:
    """One element of a page."""

    name: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def all(self, name: str, **attributes: str) -> Iterator[Element]:
        """Every element of this name below, in the page's order."""
        for child in self.children:
            if isinstance(child, Element):
                if child.name == name and all(child.attributes.get(k) == v for k, v in attributes.items()):
                    yield child
                yield from child.all(name, **attributes)

    def first(self, name: str, **attributes: str) -> Element | None:
        """The first such element, if there is one."""
        return next(self.all(name, **attributes), None)

    @property
    def text(self) -> str:
        """The words in it, with single spaces."""
        return " ".join("".join(self._pieces()).split())

    def _pieces(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield " "
                yield from child._pieces()
                yield " "


@dataclass(frozen=True)
class Form:
    """A form as the page filled it in: where it goes, what it would send, and every name in it."""

    action: str
    method: str
    fields: dict[str, str]
    names: frozenset[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("page", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self.open) - 1, 0, -1):
            if self.open[depth].name == tag:
                del self.open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(html: str) -> Element:
    """The page as a tree."""
    reader = _Reader()
    reader.feed(html)
    return reader.root


def forms(page: Element) -> list[Form]:
    """The forms of the main part of a page."""
    main = page.first("main") or page
    return [
        Form(
            form.attributes.get("action", ""),
            form.attributes.get("method", "get").lower(),
            _fields(form),
            frozenset(e.attributes.get("name", "") for kind in _ENTRIES for e in form.all(kind)),
        )
        for form in main.all("form")
    ]


def _fields(form: Element) -> dict[str, str]:
    fields: dict[str, str] = {}
    for entry in form.all("input"):
        kind, name = entry.attributes.get("type", "text"), entry.attributes.get("name")
        checked = "checked" in entry.attributes
        if name and kind not in ("submit", "button") and (kind not in ("checkbox", "radio") or checked):
            fields[name] = entry.attributes.get("value", "on" if kind == "checkbox" else "")
    for entry in form.all("textarea"):
        fields[entry.attributes.get("name", "")] = entry.text
    for entry in form.all("select"):
        chosen = next((o for o in entry.all("option") if "selected" in o.attributes), entry.first("option"))
        fields[entry.attributes.get("name", "")] = chosen.attributes.get("value", "") if chosen else ""
    return fields


def rows(table: Element) -> list[list[str]]:
    """The cells of a table's rows, as text."""
    return [
        [cell.text for cell in row.children if isinstance(cell, Element) and cell.name in ("th", "td")]
        for row in table.all("tr")
    ]
