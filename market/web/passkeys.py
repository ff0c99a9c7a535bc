"""Passkeys between pages and browser: for which address, for which browser, and what its devices are asked."""

import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, request, session

from market import credentials, resources
from market.accounts import User
from market.credentials import Ceremony
from market.errors import Refused
from market.web import transactions
from market.web.locale import site_name

#: Where the cookie keeps the random word that ties a challenge to this browser.
_BROWSER = "browser"


class NotHere(Refused):
    """Browsers allow no passkeys at this address."""

    code = "passkeys_not_here"
    message = "在这个网址不能使用通行密钥。请用 https 开头的域名打开本站。"


def init_app(app: Flask) -> None:
    """Let templates ask whether passkeys work at this address."""
    app.jinja_env.globals.update(passkeys_possible=possible)


def possible() -> bool:
    """Whether browsers allow passkeys at the address of this request."""
    return _party() is not None


def options(ceremony: Ceremony, user: User | None) -> Response:
    """What `passkeys.js` hands to the browser. Raises NotHere, TooManyPasskeys."""
    party, at = here(), resources.clock.now()
    if ceremony is Ceremony.ADD and user is not None:
        text = credentials.passkeys.options_to_add(user, party, browser=browser(), at=at)
    else:
        text = credentials.passkeys.options_to_prove(party, ceremony, user=user, browser=browser(), at=at)
    return Response(text, mimetype="application/json", headers={"Cache-Control": "no-store"})


def proved(ceremony: Ceremony, user: User | None) -> User | None:
    """Whose key signed what the form brought; None when it proves nothing. What a vain attempt left is stored."""
    try:
        return credentials.passkeys.prove(
            request.form.get("answer", ""), here(), ceremony,
            user=user, browser=browser(), address=request.remote_addr or "", at=resources.clock.now(),
        )  # fmt: skip
    except credentials.passkeys.PasskeyRefused:
        transactions.keep()
        return None


def here() -> credentials.passkeys.Party:
    """For whom a key at this address is. Raises NotHere."""
    party = _party()
    if party is None:
        raise NotHere
    return party


def browser() -> str:
    """This browser's random word; made when first asked for."""
    if _BROWSER not in session:
        session[_BROWSER] = secrets.token_urlsafe(16)
    return str(session[_BROWSER])


def _party() -> credentials.passkeys.Party | None:
    """By the address people use; on this very machine, whichever of its names and numbers they use."""
    address, asked = resources.settings.base_url, f"{request.scheme}://{request.host}"
    if all(_this_machine(urlsplit(known).hostname or "") for known in (address, asked)):
        address = asked
    return credentials.passkeys.party_of(address, site_name())


def _this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
