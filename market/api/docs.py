"""/api/openapi.json and /api/docs: the contract for machines, and the same contract for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, Response, current_app, render_template
from flask_openapi3 import OpenAPI

from market import accounts, resources
from market.api import bodies
from market.api.answers import answer
from market.metering import REASONS

bp = Blueprint("docs", __name__, url_prefix="/api")


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the page shows it."""

    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: list[dict[str, Any]]
    media_types: list[str]
    statuses: list[str]

    @property
    def anchor(self) -> str:
        """Where on the page it stands."""
        return f"{self.method}-{self.path}".lower().replace("/", "-").replace("{", "").replace("}", "")


@bp.get("/openapi.json")
def spec() -> Response:
    """The OpenAPI 3.1 document."""
    return answer(_document())


@bp.get("/docs")
def show() -> str:
    """The same, to read."""
    document = _document()
    return render_template(
        "api/docs.html",
        document=document,
        groups=_groups(document),
        base_url=resources.settings.base_url,
        scopes=accounts.SCOPES,
        reasons=REASONS,
        limits={"events": bodies.MOST_EVENTS, "megabytes": bodies.MOST_BYTES // 1024**2},
    )


def _document() -> dict[str, Any]:
    servers = [{"url": resources.settings.base_url}]
    return {**cast(OpenAPI, current_app).api_doc, "servers": servers}


def _groups(document: dict[str, Any]) -> list[tuple[dict[str, Any], list[Operation]]]:
    operations = list(_operations(document))
    return [
        (tag, [operation for names, operation in operations if tag["name"] in names])
        for tag in document.get("tags", [])
    ]


def _operations(document: dict[str, Any]) -> Iterator[tuple[list[str], Operation]]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            yield told.get("tags", []), Operation(
                method=method.upper(),
                path=path,
                summary=told.get("summary", ""),
                description=told.get("description", ""),
                scope=_scope(path, method),
                parameters=told.get("parameters", []),
                media_types=list(told.get("requestBody", {}).get("content", {})),
                statuses=sorted(told.get("responses", {})),
            )


def _scope(path: str, method: str) -> str:
    rule = path.replace("{", "<").replace("}", ">")
    for route in current_app.url_map.iter_rules():
        if route.rule == rule and method.upper() in (route.methods or ()):
            return _marked(current_app.view_functions[route.endpoint])
    return ""


def _marked(view: Any) -> str:
    """The scope on a view, below whatever the framework wrapped round it."""
    while view is not None:
        if hasattr(view, "scope"):
            return str(view.scope)
        view = getattr(view, "__wrapped__", None)
    return ""
