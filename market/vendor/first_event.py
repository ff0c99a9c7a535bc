"""`/vendor/events/first`: from a key to the first event that counts, on one page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, g, render_template, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import TextAreaField

from market import accounts, billing, catalog, db, metering, resources
from market.accounts import ApiKey
from market.catalog import Aggregation, Meter
from market.kit.period import SHANGHAI, local_day
from market.metering import RefusedEvent, Verdict
from market.subscriptions import LIVE, Subscription
from market.vendor import events, refused
from market.web import forms, guards

bp = Blueprint("first", __name__, url_prefix="/first")

LANGUAGES = ("curl", "python")


class TryForm(forms.MarketForm):
    """An event to try out."""

    body = TextAreaField(_l("事件（JSON）"), [forms.Filled(_l("填写事件的内容"))], render_kw={"spellcheck": "false"})


@dataclass(frozen=True)
class Sample:
    """What a first event of this provider looks like, as far as it has what it takes."""

    key: ApiKey | None
    meter: Meter | None
    subject: str | None

    @property
    def event(self) -> dict[str, Any]:
        now = resources.clock.now().astimezone(SHANGHAI).replace(microsecond=0)
        return {
            "specversion": "1.0", "id": f"first-{local_day(now):%Y%m%d}-1",
            "source": self.key.source if self.key else events.sources()[0],
            "type": self.meter.event_type if self.meter else "…", "subject": self.subject or "sub_…",
            "time": now.isoformat(), "data": _data(self.meter),
        }  # fmt: skip

    @property
    def written(self) -> str:
        return json.dumps(self.event, ensure_ascii=False, indent=2)

    def command(self, language: str, *, dry_run: bool) -> str:
        """The event on its way, ready to be pasted; only the rest of the key is missing."""
        address = f"{resources.settings.base_url}/api/v1/events{'?dry_run=1' if dry_run else ''}"
        key = f"{self.key.prefix if self.key else 'mk_'}…"
        return (_PYTHON if language == "python" else _CURL).format(address=address, key=key, event=self.written)


_CURL = """curl '{address}' \\
  -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/cloudevents+json' \\
  -H 'Accept: application/json' \\
  -d '{event}'"""
_PYTHON = """import urllib.request

event = '''{event}'''
request = urllib.request.Request(
    "{address}",
    data=event.encode(),
    headers={{
        "Authorization": "Bearer {key}",
        "Content-Type": "application/cloudevents+json",
        "Accept": "application/json",
    }},
)
print(urllib.request.urlopen(request).read().decode())"""


@bp.get("/")
@guards.require("events.read")
def show() -> str:
    """What to have, what to send, and whether it has come."""
    return _page(TryForm(formdata=None, body=a_sample().written))


@bp.post("/")
@guards.require("events.write")
def attempt() -> str | tuple[str, int]:
    """Judge an event without keeping it, as a test key would."""
    form = TryForm()
    if not form.validate():
        return _page(form), 422
    verdict = metering.judge_text(
        g.provider, form.body.data, sources=events.sources(), now=resources.clock.now(), closed_until=billing.closed_until
    )
    if not verdict.counted:
        form.body.errors = [refused.said(verdict)]
    return _page(form, verdict), 200 if verdict.counted else 422


def a_sample() -> Sample:
    """A first event with this provider's own key, meter and subscription."""
    now = resources.clock.now()
    keys = [key for key in accounts.keys_of(g.organization) if key.works(now) and "events:write" in key.scopes]
    key = next((key for key in keys if not key.test), next(iter(keys), None))
    subject = select(Subscription.public_id).where(Subscription.provider_id == g.provider.id)
    running = subject.where(Subscription.status.in_(LIVE)).order_by(Subscription.id.desc()).limit(1)
    return Sample(key, next(iter(catalog.meters_of(g.provider)), None), db.session.scalar(running))


def _page(form: TryForm, verdict: Verdict | None = None) -> str:
    sample = a_sample()
    language = request.args.get("in", "") if request.args.get("in") in LANGUAGES else LANGUAGES[0]
    earnest = request.args.get("for") == "real"
    return render_template(
        "vendor/first_event/show.html",
        form=form,
        verdict=verdict,
        sample=sample,
        language=language,
        earnest=earnest,
        command=sample.command(language, dry_run=not earnest),
        first_at=metering.first_event_at(g.provider),
        last_at=metering.last_event_at(g.provider),
        lost=_last_refused(),
        reason=refused.reason,
        key_used_at=_last_use(),
        now_at=resources.clock.now(),
    )


def _last_refused() -> RefusedEvent | None:
    return db.session.scalar(metering.refused_of(g.provider, unresolved=True).limit(1))


def _last_use() -> datetime | None:
    """When any of the keys was last seen; also a try-out that leaves nothing else shows here."""
    return max((key.last_used_at for key in accounts.keys_of(g.organization) if key.last_used_at), default=None)


def _data(meter: Meter | None) -> dict[str, Any]:
    """The smallest value that the meter counts."""
    if meter is None or meter.aggregation is Aggregation.COUNT:
        return {}
    return {meter.value_property: "a" if meter.aggregation.value == "unique_count" else 1} | dict.fromkeys(meter.dimensions, "…")
