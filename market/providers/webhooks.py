"""Where a provider's system listens: which addresses are allowed, and the signing secret."""

from __future__ import annotations

import base64
import secrets
from urllib.parse import SplitResult, urlsplit

from market import outgoing
from market.errors import Invalid

LONGEST = 500
_SECRET_BYTES = 32


class WebhookUrlInvalid(Invalid):
    """The address cannot be used for webhooks; the message says what to change."""

    code = "webhook_url_invalid"


def checked_url(url: str, *, allow_private: bool) -> str:
    """The address without surrounding blanks. Raises WebhookUrlInvalid.

    `https` to public hosts; plain `http` and private hosts only with `allow_private`, and `http`
    even then never leaves the private network. Names are not resolved here: what they point to can
    change until a request is sent, so the sender checks the address it connects to.
    """
    url = url.strip()
    problem = _problem(url, allow_private=allow_private)
    if problem:
        raise WebhookUrlInvalid(problem, fields={"webhook_url": problem})
    return url


def new_secret() -> str:
    """A signing secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _problem(url: str, *, allow_private: bool) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "通知地址写成 https://example.com/webhook 的样子。"
    if len(url) > LONGEST:
        return "通知地址太长，最多 500 个字符。"
    readable = url.isascii() and url.isprintable() and " " not in url and port != 0
    if parts.scheme not in ("http", "https") or not parts.hostname or not readable:
        return "通知地址写成 https://example.com/webhook 的样子。"
    if parts.username is not None or parts.fragment:
        return "通知地址里不能带用户名、密码和 # 后面的内容。"
    return _unsafe(parts, allow_private=allow_private)


def _unsafe(parts: SplitResult, *, allow_private: bool) -> str:
    private = is_private(parts.hostname or "")
    if private and not allow_private:
        return "通知地址要在公网上能访问，不能填内网地址。"
    if parts.scheme == "http" and not private:
        return "通知地址要用 https 开头，客户资料才不会被中途看到。"
    return ""


def is_private(host: str) -> bool:
    """Whether a host name or address is written as one of this machine or a private network."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = outgoing.written_address(host)
    return address is not None and not outgoing.is_public(str(address))
