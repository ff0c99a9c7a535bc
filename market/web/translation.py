"""Texts in the language of the request, looked up quickly: a page asks for hundreds of them.

Flask-Babel works out the language, spells its name and makes a page's text safe once for each text; here a language's
texts are found once for each request and a text is made safe once for each process.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from babel.support import NullTranslations, Translations
from flask import Flask, g
from flask_babel import Babel, Domain, get_locale
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

#: As many texts as all pages have in both languages, and then some.
_MOST = 20_000


def language() -> str:
    """`zh` or `en`: what is spoken now; outside of a request nothing."""
    try:
        known: str = g._get_current_object().__dict__["_flask_babel"].babel_locale.language
        return known
    except (KeyError, AttributeError):  # nobody has asked in this request
        locale = get_locale()
        return str(locale.language) if locale else ""
    except RuntimeError:
        return ""


def gettext(text: str, /, **values: Any) -> str:
    """Flask-Babel's, for what is asked for a hundred times in a page."""
    found = _plain(language(), text)
    return found % values if values else found


def init_app(app: Flask, babel: Babel) -> None:
    """Let `_` find its texts here, in Python and in templates."""
    babel.domain_instance = _texts

    @pass_eval_context
    def translated(context: EvalContext, text: str, /, **values: Any) -> str:
        if not context.autoescape:
            return gettext(text) % values
        if values:
            return _safe(language(), text) % values
        return _finished(_safe(language(), text))

    app.jinja_env.globals.update(_=translated, gettext=translated)


@lru_cache(_MOST)
def _finished(text: Markup) -> Markup:
    """A text without anything to fill in; its doubled signs become single."""
    return text % {}


class _Texts(Domain):  # type: ignore[misc]  # Flask-Babel has no types
    """The texts of each language, by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Translations | NullTranslations] = {}

    def gettext(self, text: str, /, **values: Any) -> str:
        """Flask-Babel's, which menus and labels come to."""
        return gettext(text, **values)

    def get_translations(self) -> Translations | NullTranslations:
        """Those of the language that is spoken now."""
        spoken = language()
        found = self.known.get(spoken)
        if found is None:
            found = super().get_translations()
            if spoken:
                self.known[spoken] = found
        return found


_texts = _Texts()


@lru_cache(_MOST)
def _plain(spoken: str, text: str) -> str:
    """A text in the language that is spoken now."""
    return str(_texts.get_translations().ugettext(text))


@lru_cache(_MOST)
def _safe(spoken: str, text: str) -> Markup:
    """A text as pages in the language that is spoken now write it."""
    return Markup(_texts.get_translations().ugettext(text))  # noqa: S704  # our own texts, as Jinja itself does
