"""The boxes of the plan form, and which of them each kind of charge shows."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import Form, HiddenField, SelectField, StringField

from market import catalog
from market.web import forms

#: What a charge can be: the kinds of the form, each a charge model or an interval of the flat one.
KINDS = {
    "month": _l("每月固定费用"),
    "year": _l("每年固定费用"),
    "once": _l("一次性费用"),
    "per_unit": _l("按用量，一个单价"),
    "graduated": _l("分档累进：每一档的用量按那一档的单价"),
    "volume": _l("分档统价：全部用量按总量所在那一档的单价"),
    "package": _l("按包：用满一包再算一包"),
    "percentage": _l("按比例：交易金额的百分之几，每笔可加固定费"),
}
FLAT = ("month", "year", "once")
TIERED = ("graduated", "volume")


class PlanForm(forms.MarketForm):
    """The words of a plan."""

    name_zh, name_en = forms.bilingual(_l("套餐名称"), _l("套餐英文名称"), limit=40, required=False)
    summary_zh, summary_en = forms.bilingual(_l("给谁用"), _l("给谁用（英文）"), limit=200, required=False)
    slug = StringField(_l("代号"))
    trial_days = StringField(_l("免费试用天数"), default="0")
    notice_days = StringField(_l("改价提前多少天通知"), default=str(catalog.LEAST_NOTICE))
    quantity_unit_zh, quantity_unit_en = forms.bilingual(_l("按什么计数"), _l("按什么计数（英文）"), limit=20, required=False)
    quantity_minimum = StringField(_l("最少订多少"))
    quantity_maximum = StringField(_l("最多订多少"))
    quantity_step = StringField(_l("每次加减多少"))


class ChargeForm(Form):
    """All boxes a charge may have; `ChargeRow.fields` says which of them its kind shows."""

    kind = HiddenField()
    slug = HiddenField()
    #: The version of the meter that the plan on sale prices.
    meter_version = HiddenField()
    name_zh = StringField(_l("名称"), render_kw={"lang": "zh-CN"})
    name_en = StringField(_l("英文名称"), render_kw={"lang": "en"})
    amount = StringField(_l("金额"))
    meter = SelectField(_l("按哪个计量项收费"), validate_choice=False)
    filter_property = SelectField(_l("只收一部分用量"), validate_choice=False)
    filter_values = StringField(_l("只收这些取值"))
    unit_price = StringField(_l("单价"))
    package_size = StringField(_l("每包多少"))
    package_price = StringField(_l("每包价格"))
    percent = StringField(_l("收交易金额的百分之几"))
    fee = StringField(_l("每笔另加"))
    fee_minimum = StringField(_l("每笔至少收"))
    fee_maximum = StringField(_l("每笔最多收"))
    included = StringField(_l("每期包含的用量"))
    discount = StringField(_l("优惠百分之几"))
    minimum = StringField(_l("每期至少收"))
    maximum = StringField(_l("每期最多收"))
    typical_count = StringField(_l("一般客户每月多少笔"))
    typical = StringField(_l("一般客户每月用多少"))
    hint_zh = StringField(_l("怎么估用量"), render_kw={"lang": "zh-CN"})
    hint_en = StringField(_l("怎么估用量（英文）"), render_kw={"lang": "en"})


#: Boxes of every price of use that may stay empty.
LIMITS = ("discount", "minimum", "maximum")
#: The boxes of a price by kind, beside tiers.
PRICES = {
    "per_unit": ("unit_price",),
    "package": ("package_size", "package_price"),
    "percentage": ("percent", "fee", "fee_minimum", "fee_maximum"),
}


class TierForm(Form):
    """One tier; without an upper bound it is the last."""

    up_to = StringField()
    unit_price = StringField()
    flat = StringField()
