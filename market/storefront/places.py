"""Places and papers in words: where data is kept, which certificates are held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l

from market import accounts, catalog
from market.accounts import City
from market.web import formats
from market.web.translation import gettext as _

#: What people call the certificates, the weightiest first; a card names only the first.
SHORT_NAMES = {
    "djbh3": _l("等保三级"),
    "djbh2": _l("等保二级"),
    "trusted_cloud": _l("可信云"),
    "iso27001": _l("ISO 27001"),
    "iso9001": _l("ISO 9001"),
    "icp": _l("ICP 许可"),
    "edi": _l("EDI 许可"),
    "idc": _l("IDC 许可"),
    "sms": _l("短信许可"),
    "pci_dss": _l("PCI DSS"),
    "ca": _l("电子认证许可"),
}


def cities() -> dict[str, City]:
    """The cities by their codes."""
    return {city.code: city for city in accounts.cities()}


def place_names(codes: Sequence[str], known: Mapping[str, City]) -> str:
    """广州市、深圳市; whole Guangdong when there are many, then what lies outside."""
    inside = [known[code] for code in codes if code in known]
    if len(inside) > 3:
        names = [_("广东省内 %(count)d 个城市", count=len(inside))]
    else:
        names = [formats.local(city, "name") for city in inside]
    if "cn" in codes:
        names.append(_("国内其他省份"))
    if "other" in codes:
        names.append(_("境外"))
    return _("、").join(names)


def certificate_name(kind: str) -> str:
    """The official name."""
    return formats.local(catalog.choice_of(catalog.CERTIFICATES, kind)._asdict(), "label")


def short_names(certificates: Iterable[Mapping[str, Any]], on: date) -> list[str]:
    """What valid certificates are called for short, the weightiest first."""
    held = {each["type"] for each in certificates if not expired(each, on)}
    return [str(SHORT_NAMES[kind]) for kind in SHORT_NAMES if kind in held]


def expired(certificate: Mapping[str, Any], on: date) -> bool:
    """Whether its last day is over."""
    last = certificate.get("valid_until")
    return bool(last) and date.fromisoformat(str(last)) < on
