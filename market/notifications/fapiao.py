"""Letters about fapiao: asked for, issued, refused; a red letter that a credit note waits for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from market import db
from market.accounts import OrganizationKind, User
from market.billing import fapiao
from market.billing.fapiao import Fapiao, FapiaoRequest, RefusalReason
from market.notifications import addressees
from market.providers import Provider


def listen() -> None:
    """From now on people are told."""
    fapiao.fapiao_requested.connect(_requested)
    fapiao.fapiao_issued.connect(_issued)
    fapiao.fapiao_amount_changed.connect(_amount_changed)
    fapiao.fapiao_mended.connect(_mended)
    fapiao.fapiao_refused.connect(_refused)
    fapiao.red_wanted.connect(_red_wanted)


def _requested(request: FapiaoRequest, *, at: datetime, **_: Any) -> None:
    key = f"fapiao_requested.{request.id}.{int(at.timestamp())}"
    addressees.send(key, "fapiao_requested", _sellers(request), at, **_about(request))


def _issued(request: FapiaoRequest, *, at: datetime, **_: Any) -> None:
    key = f"fapiao_issued.{request.id}.{int(at.timestamp())}"
    addressees.send(key, "fapiao_issued", _buyers(request), at, **_about(request))


def _amount_changed(request: FapiaoRequest, *, before_fen: int, at: datetime, **_: Any) -> None:
    """The provider may be at it; the buyer reads it in the letter about the credit note."""
    key = f"fapiao_amount_changed.{request.id}.{int(at.timestamp())}"
    addressees.send(key, "fapiao_amount_changed", _sellers(request), at, before_fen=before_fen, **_about(request))


def _mended(request: FapiaoRequest, *, paper: Fapiao, before: str, at: datetime, **_: Any) -> None:
    key = f"fapiao_mended.{paper.id}.{int(at.timestamp())}"
    addressees.send(key, "fapiao_mended", _buyers(request), at, paper=paper, before=before, **_about(request))


def _refused(request: FapiaoRequest, *, at: datetime, **_: Any) -> None:
    """That everything was credited is told by the letter about the credit note."""
    if request.refusal is not None and request.refusal is not RefusalReason.CREDITED:
        key = f"fapiao_refused.{request.id}.{int(at.timestamp())}"
        addressees.send(key, "fapiao_refused", _buyers(request), at, reason=request.refusal.value, **_about(request))


def _red_wanted(red: Fapiao, *, request: FapiaoRequest, at: datetime, **_: Any) -> None:
    db.session.flush()
    addressees.send(f"red_fapiao_wanted.{red.id}", "red_fapiao_wanted", _sellers(request), at, red=red, **_about(request))


def _about(request: FapiaoRequest) -> dict[str, Any]:
    return {"request": request, "bill": request.bill, "provider": request.provider, "special": request.kind.value == "special"}


def _buyers(request: FapiaoRequest) -> list[User]:
    return addressees.members(request.organization_id, OrganizationKind.BUYER, "fapiao.request")


def _sellers(request: FapiaoRequest) -> list[User]:
    provider = db.session.get_one(Provider, request.provider_id)
    return addressees.members(provider.organization_id, OrganizationKind.PROVIDER, "fapiao.issue")
