"""The addresses of the app, with the things of a world filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import Flask
from werkzeug.routing import IntegerConverter, Rule

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: Addresses that are no pages of ours to look at.
PLAIN = ("static", "web.")


@dataclass(frozen=True)
class Route:
    """One method of one rule."""

    method: str
    endpoint: str
    rule: Rule

    @property
    def face(self) -> str:
        """storefront, console, vendor, admin or api."""
        return self.endpoint.partition(".")[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of what is variable in the address, in its order."""
        return tuple(name for is_variable, name in self.rule._trace if is_variable and name in self.rule.arguments)

    def is_number(self, name: str) -> bool:
        """Whether the argument is a row's number."""
        return isinstance(self.rule._converters[name], IntegerConverter)

    def address(self, values: Mapping[str, int | str]) -> str:
        """The address with these arguments; KeyError when one is missing."""
        built = self.rule.build({name: values[name] for name in self.arguments})
        assert built is not None, f"{self.endpoint}: {values}"
        return built[1]


def routes(app: Flask, *, method: str = "", helpers: bool = False) -> Iterator[Route]:
    """Every route but static files and, unless asked for, helpers, in the order of their addresses."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if not rule.endpoint.startswith(PLAIN[:1] if helpers else PLAIN):
            for each in sorted((rule.methods or set()) & set(METHODS)):
                if method in ("", each):
                    yield Route(each, rule.endpoint, rule)
