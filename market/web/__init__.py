"""Web: what the faces share.

Owns        language and theme, formats, sessions and guards, forms, menus, error pages, the
            request's transaction, security headers, addresses of static files.
Not here    pages (storefront, console, vendor, admin, api), business rules (the domains).
Invariants  every request runs in one transaction; every face has a guard; no page needs inline
            style or script.
"""

from flask import Flask

from market.config import Settings
from market.web import (
    addresses,
    components,
    conditional,
    dunning_words,
    errors,
    fapiao,
    fingerprint,
    guards,
    htmx,
    keys,
    locale,
    login,
    logs,
    mailing,
    navigation,
    passkeys,
    plain_text,
    policy_notices,
    preferences,
    roles,
    row_numbers,
    security,
    selling,
    states,
    templating,
    transactions,
)


def init_app(app: Flask, settings: Settings) -> None:
    """Equip the app; call it before the faces are registered."""
    app.secret_key = settings.secret_key
    # None of our functions is a coroutine; Flask would ask each of them with each request.
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]  # documented as to be overridden
    logs.configure(settings.log_format)
    logs.init_app(app)
    for part in (
        addresses,
        templating,
        security,
        conditional,
        dunning_words,
        fingerprint,
        locale,
        htmx,
        keys,
        mailing,
        navigation,
        passkeys,
        states,
        components,
        fapiao,
        login,
        guards,
        errors,
        plain_text,
        policy_notices,
        preferences,
        roles,
        row_numbers,
        selling,
    ):
        part.init_app(app)
    transactions.init_app(app)
