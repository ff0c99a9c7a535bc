"""`/vendor/meters`: what the provider measures. A version's meaning never changes; a change is the next version."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from market import catalog, db, resources
from market.catalog import Aggregation, Meaning, Meter, Rounding, TimeBase
from market.errors import MarketError
from market.kit.period import SHANGHAI
from market.web import forms, guards, subjects

bp = Blueprint("meters", __name__, url_prefix="/meters")

#: How events become a quantity, in a sentence: (aggregation, time base).
WAYS = {
    "sum": (_l("加总：把每条事件的数值加起来（例如下载了多少 GB）"), Aggregation.SUM, TimeBase.NONE),
    "count": (_l("计次数：每条事件算 1 次（例如调用次数）"), Aggregation.COUNT, TimeBase.NONE),
    "max": (_l("取最大：账期里最大的数值（例如最多多少个账号）"), Aggregation.MAX, TimeBase.NONE),
    "latest": (_l("取最后：账期里最后一条事件的数值（例如月底有多少个账号）"), Aggregation.LATEST, TimeBase.NONE),
    "unique": (_l("去重计数：账期里有几个不同的值，重复的只算 1 个（例如有多少人用过）"), Aggregation.UNIQUE_COUNT, TimeBase.NONE),
    "hour": (_l("按小时累计：数值 × 保持的小时数（例如 GB·小时）"), Aggregation.TIME_WEIGHTED, TimeBase.HOUR),
    "period": (_l("整月平均：数值在整个账期里的平均（例如 GB·月）"), Aggregation.TIME_WEIGHTED, TimeBase.PERIOD),
}
#: How a period's quantity is made whole.
ROUNDINGS = {
    Rounding.NONE: _l("不取整，保留 6 位小数"),
    Rounding.UP: _l("不满 1 个单位按 1 个算"),
    Rounding.NEAREST: _l("四舍五入到整数"),
    Rounding.DOWN: _l("不满 1 个单位的不算"),
}


class MeterForm(forms.MarketForm):
    """A meter as it is or shall be."""

    name_zh, name_en = forms.bilingual(_l("名称"), _l("英文名称"), limit=60)
    slug = StringField(_l("代号"))
    event_type = StringField(_l("事件类型（type）"), [forms.Filled(), forms.NotLongerThan(255)])
    way = RadioField(
        _l("怎么算"), [forms.Filled(_l("选一种算法"))], choices=[SelectChoice(way, told[0]) for way, told in WAYS.items()], default="sum"
    )
    value_property = StringField(_l("数值放在 data 的哪个字段"), [forms.NotLongerThan(60)])
    dimensions = StringField(_l("按哪些字段分组"), [forms.NotLongerThan(400)])
    unit_zh, unit_en = forms.bilingual(_l("计价单位"), _l("英文单位"), limit=20)
    unit_size = StringField(_l("几个上报单位等于 1 个计价单位"), [forms.NotLongerThan(16)], default="1", render_kw={"inputmode": "numeric"})
    rounding = SelectField(_l("账期用量取整"), choices=[SelectChoice(kind.value, text) for kind, text in ROUNDINGS.items()], default="")


@bp.get("/")
@guards.require("offerings.read")
def index() -> str:
    """The newest version of each meter."""
    return render_template("vendor/meters/index.html", meters=catalog.meters_of(g.provider), ways=_ways())


@bp.get("/<int:id>")
@guards.require("offerings.read")
def show(id: int) -> str:
    """One version with an event that it would count, its other versions, and the plans that price them."""
    meter = catalog.meter_of(g.provider, id)
    versions = catalog.versions_of(meter)
    plans = {each.id: catalog.plans_with(each) for each in versions}
    return render_template(
        "vendor/meters/show.html", meter=meter, way=_ways()[meter.aggregation, meter.time_base], sample=_sample(meter),
        rounding=ROUNDINGS[meter.rounding], versions=versions, plans=plans,
        services=subjects.LOOKUPS["Offering"]({plan.offering_id for some in plans.values() for plan in some}),
    )  # fmt: skip


@bp.route("/new", methods=["GET", "POST"])
@guards.require("offerings.edit")
def new() -> Response | str | tuple[str, int]:
    """Make a meter."""
    form = MeterForm()
    if not form.is_submitted():
        return render_template("vendor/meters/new.html", form=form)
    if form.validate():
        try:
            meter = catalog.add_meter(g.provider, _meaning(form), slug=form.slug.data or "", **_named(form))
            db.session.flush()
        except MarketError as refusal:
            form.refuse(refusal)
        else:
            flash(_("计量项“%(name)s”已建好，可以在套餐里用它定价。", name=form.name_zh.data), "ok")
            return redirect(url_for(".show", id=meter.id), 303)
    return render_template("vendor/meters/new.html", form=form), 422


@bp.route("/<int:id>/edit", methods=["GET", "POST"])
@guards.require("offerings.edit")
def edit(id: int) -> Response | str | tuple[str, int]:
    """Rename a meter, or make its next version."""
    meter = catalog.meter_of(g.provider, id)
    form = _filled(meter)
    page = {"form": form, "meter": meter, "plans": catalog.plans_with(meter)}
    if not form.is_submitted():
        return render_template("vendor/meters/edit.html", **page)
    if form.validate():
        try:
            changed = catalog.change_meter(meter, _meaning(form), **_named(form))
            db.session.flush()
        except MarketError as refusal:
            form.refuse(refusal)
        else:
            _tell(meter, changed)
            return redirect(url_for(".show", id=changed.id), 303)
    return render_template("vendor/meters/edit.html", **page), 422


def _tell(meter: Meter, changed: Meter) -> None:
    if changed is meter:
        flash(_("已保存。"), "ok")
    else:
        said = {"number": changed.version_number, "old": meter.version_number}
        flash(_("第 %(number)s 版已建好。已发布的套餐继续按第 %(old)s 版计，以后保存的套餐按新的一版。", **said), "ok")


def _ways() -> dict[tuple[Aggregation, TimeBase], Any]:
    return {(aggregation, base): text for text, aggregation, base in WAYS.values()}


def _filled(meter: Meter) -> MeterForm:
    names = ("name_zh", "name_en", "slug", "event_type", "value_property", "unit_zh", "unit_en")
    told = {name: getattr(meter, name) for name in names} | {
        "way": next(way for way, told in WAYS.items() if told[1:] == (meter.aggregation, meter.time_base)),
        "dimensions": ", ".join(meter.dimensions), "unit_size": str(meter.unit_size), "rounding": meter.rounding.value,
    }  # fmt: skip
    return MeterForm(data=told)


def _whole(written: str) -> int:
    """The number; 0, which the catalogue refuses, for anything else."""
    digits = written.replace(",", "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _sample(meter: Meter) -> str:
    """The smallest event that counts, ready to be sent; angle brackets mark what differs each time."""
    unique = meter.aggregation is Aggregation.UNIQUE_COUNT
    value: dict[str, Any] = {meter.value_property: "<…>" if unique else 1} if meter.value_property else {}
    event = {
        "specversion": "1.0", "id": f"{meter.slug}-0001", "source": "/<…>", "type": meter.event_type,
        "subject": "sub_<…>", "time": resources.clock.now().astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "data": value | dict.fromkeys(meter.dimensions, "<…>"),
    }  # fmt: skip
    return json.dumps(event, ensure_ascii=False, indent=2)


def _meaning(form: MeterForm) -> Meaning:
    _text, aggregation, base = WAYS[form.way.data]
    counting = aggregation is Aggregation.COUNT
    return Meaning(
        event_type=form.event_type.data or "", value_property="" if counting else form.value_property.data or "",
        aggregation=aggregation, time_base=base, dimensions=re.split(r"[,，、\s]+", form.dimensions.data or ""),
        unit_zh=form.unit_zh.data, unit_en=form.unit_en.data, unit_size=_whole(form.unit_size.data or ""), rounding=form.rounding.data,
    )  # fmt: skip


def _named(form: MeterForm) -> dict[str, Any]:
    return {"name_zh": form.name_zh.data, "name_en": form.name_en.data, "by": g.actor, "at": resources.clock.now()}
