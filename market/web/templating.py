"""Jinja as our pages need it: what it does for every expression and every import, done without looking twice.

A list has a thousand looks at things and as many values to make safe. None of this changes what a template means, but for
what no template of ours does: an import that is to see its importer's variables says `with context`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import CodeType, FunctionType, MethodType
from typing import Any

from flask import Flask
from jinja2 import Environment, Template, pass_eval_context
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

_PLAIN = frozenset((FunctionType, MethodType, Macro))
_UNSAFE = re.compile("[&<>'\"]").search
#: How Jinja marks what asks whether values are to be made safe, as `_` does.
_ASKS_SAFETY = pass_eval_context(lambda: None).jinja_pass_arg  # type: ignore[attr-defined]  # set by the decorator


def init_app(app: Flask) -> None:
    """Let the application's templates be made and run like this."""
    app.jinja_env.template_class = _Template
    app.jinja_env.context_class = _Context


def written(value: Any) -> str:
    """A value as a page writes it: made safe, without the mark that says so, for it is only joined with the rest."""
    kind = type(value)
    if kind is Markup or (kind is str and not _UNSAFE(value)):
        return value
    return str(value) if kind is int else escape(value)


class _Template(Template):
    """Writes by `written`, and knows its macros once they are made: Jinja looks at each import whether globals differ."""

    @classmethod
    def from_code(
        cls, environment: Environment, code: CodeType, globals: Any, uptodate: Callable[[], bool] | None = None
    ) -> Template:
        made = super().from_code(environment, code, globals, uptodate)
        made.root_render_func.__globals__["escape"] = written  # what Jinja has written the code with
        return made

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        return self._module or super()._get_default_module()


class _Context(Context):
    """Calls functions and macros at once; other things, and what asks for the context itself, as Jinja does."""

    def call(__self, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  # as Jinja: a macro may have an argument `self`
        if type(__obj) in _PLAIN:
            wanted = getattr(__obj, "jinja_pass_arg", None)
            if wanted is None or wanted is _ASKS_SAFETY:
                kwargs.pop("_block_vars", None)
                kwargs.pop("_loop_vars", None)
                return __obj(*args, **kwargs) if wanted is None else __obj(__self.eval_ctx, *args, **kwargs)
        return super().call(__obj, *args, **kwargs)
