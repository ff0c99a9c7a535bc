"""`/vendor/meters`: what the provider measures. A meter's meaning never changes once it is made."""

from __future__ import annotations

import json

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice

from market import catalog, db, resources
from market.catalog import Aggregation, TimeBase
from market.errors import MarketError
from market.web import forms, guards

bp = Blueprint("meters", __name__, url_prefix="/meters")

#: How events become a quantity, in a sentence: (aggregation, time base).
WAYS = {
    "sum": (_l("加总：把每条事件的数值加起来（例如下载了多少 GB）"), Aggregation.SUM, TimeBase.NONE),
    "count": (_l("计次数：每条事件算 1 次（例如调用次数）"), Aggregation.COUNT, TimeBase.NONE),
    "max": (_l("取最大：账期里最大的数值（例如最多多少个账号）"), Aggregation.MAX, TimeBase.NONE),
    "hour": (_l("按小时累计：数值 × 保持的小时数（例如 GB·小时）"), Aggregation.TIME_WEIGHTED, TimeBase.HOUR),
    "period": (_l("整月平均：数值在整个账期里的平均（例如 GB·月）"), Aggregation.TIME_WEIGHTED, TimeBase.PERIOD),
}


class MeterForm(forms.MarketForm):
    """A new meter."""

    name_zh, name_en = forms.bilingual(_l("名称"), _l("英文名称"), limit=60)
    slug = StringField(_l("代号"), [forms.Filled()])
    event_type = StringField(_l("事件类型（type）"), [forms.Filled(), forms.NotLongerThan(255)])
    way = RadioField(
        _l("怎么算"), [forms.Filled(_l("选一种算法"))], choices=[SelectChoice(way, told[0]) for way, told in WAYS.items()], default="sum"
    )
    value_property = StringField(_l("数值放在 data 的哪个字段"), [forms.NotLongerThan(60)])
    unit_zh, unit_en = forms.bilingual(_l("计价单位"), _l("英文单位"), limit=20)
    unit_size = StringField(_l("几个上报单位等于 1 个计价单位"), [forms.NotLongerThan(16)], default="1", render_kw={"inputmode": "numeric"})


@bp.get("/")
@guards.require("offerings.read")
def index() -> str:
    """All meters."""
    ways = {(aggregation, base): text for text, aggregation, base in WAYS.values()}
    return render_template("vendor/meters/index.html", meters=catalog.meters_of(g.provider), ways=ways)


@bp.get("/<int:id>")
@guards.require("offerings.read")
def show(id: int) -> str:
    """One meter with an event that it would count; it never changes."""
    meter = catalog.meter_of(g.provider, id)
    ways = {(aggregation, base): text for text, aggregation, base in WAYS.values()}
    return render_template("vendor/meters/show.html", meter=meter, way=ways[meter.aggregation, meter.time_base], sample=_sample(meter))


@bp.route("/new", methods=["GET", "POST"])
@guards.require("offerings.edit")
def new() -> Response | str | tuple[str, int]:
    """Make a meter."""
    form = MeterForm()
    if not form.is_submitted():
        return render_template("vendor/meters/new.html", form=form)
    if form.validate():
        try:
            meter = _add(form)
        except MarketError as refusal:
            form.refuse(refusal)
        else:
            flash(_("计量项“%(name)s”已建好，可以在套餐里用它定价。", name=form.name_zh.data), "ok")
            return redirect(url_for(".show", id=meter.id), 303)
    return render_template("vendor/meters/new.html", form=form), 422


def _whole(written: str) -> int:
    """The number; 0, which the catalogue refuses, for anything else."""
    digits = written.replace(",", "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _sample(meter: catalog.Meter) -> str:
    """The smallest event that counts, ready to be sent; angle brackets mark what differs each time."""
    event = {
        "specversion": "1.0", "id": f"{meter.slug}-0001", "source": "/<…>", "type": meter.event_type,
        "subject": "sub_<…>", "time": resources.clock.now().isoformat(timespec="seconds"),
        "data": {meter.value_property: 1} if meter.value_property else {},
    }  # fmt: skip
    return json.dumps(event, ensure_ascii=False, indent=2)


def _add(form: MeterForm) -> catalog.Meter:
    _text, aggregation, base = WAYS[form.way.data]
    counting = aggregation is Aggregation.COUNT
    meter = catalog.add_meter(
        g.provider,
        slug=form.slug.data or "", name_zh=form.name_zh.data, name_en=form.name_en.data,
        event_type=form.event_type.data or "", value_property="" if counting else form.value_property.data or "",
        aggregation=aggregation, time_base=base, unit_zh=form.unit_zh.data, unit_en=form.unit_en.data,
        unit_size=_whole(form.unit_size.data or ""), by=g.actor, at=resources.clock.now(),
    )  # fmt: skip
    db.session.flush()
    return meter
