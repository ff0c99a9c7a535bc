"""/api/openapi.json and /api/docs: the contract for machines, and the same contract for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, Response, current_app, render_template
from flask_babel import lazy_gettext as _l
from flask_openapi3 import OpenAPI

from market import resources
from market.api import bodies
from market.api.answers import answer
from market.metering import REASONS
from market.web.scopes import SCOPES

bp = Blueprint("docs", __name__, url_prefix="/api")

#: What the page calls things; the document for machines is English only.
TAGS = {
    "Usage": _l("上报用量"),
    "Meters": _l("计量项"),
    "Catalogue": _l("目录"),
    "Subscriptions": _l("订阅"),
    "Reservations": _l("预留"),
    "Provisioning": _l("开通"),
}
OPERATIONS = {
    "POST /api/v1/events": (
        _l("上报用量"), _l("一条，或一次最多 5,000 条（5 MB）。每条单独判定；已经计入的不会撤回，用同一编号重发没有副作用。"),
    ),
    "GET /api/v1/events": (
        _l("查事件"), _l("计入的和没计入的，逐条。每页 100 条，新的在前：服务商按收到的先后；写了 subject 时、企业查自己时，按发生的先后。照 Link 头翻页。"),
    ),
    "POST /api/v1/corrections": (
        _l("更正用量"), _l("撤回报错的事件，或换成对的。每条写原因，客户会看到；影响大的要由另一人批准。出过的账单不变，差额进下一张。"),
    ),
    "GET /api/v1/corrections": (_l("列出更正"), _l("每页 100 项，先提的在前。服务商看自己的全部，企业看算进自己用量的。")),
    "POST /api/v1/heartbeats": (_l("报告用量报到什么时候为止"), _l("没有用量的时候也说一声，双方就知道是没有用，不是漏报。")),
    "GET /api/v1/meters": (_l("列出计量项"), _l("服务商看自己的；企业看自己订阅的套餐用到的。")),
    "GET /api/v1/meters/{slug}/query": (
        _l("查询用量"),
        _l("窗口含开头、不含结尾，按 windowTimeZone 的钟切开，夏令时也对。北京时间的天和月从每日计数得出，不限事件条数；其余由事件算出，一次最多细算 10 万条。MINUTE 一次最多 1 天，HOUR 31 天，DAY 366 天，MONTH 或不分窗口 5 年，最多 2 万行。单位是计价单位：value 是数字，quantity 是同一个数的十进制文字，一位不差。"),
    ),
    "GET /api/v1/days": (
        _l("查每天的状态"), _l("一项订阅的一个计量项，一天一行：用量，双方是否认可，客户的异议和服务商的回复。一次最多 366 天。异议和回复由人在后台填写。"),
    ),
    "GET /api/v1/offerings": (_l("列出在售服务"), _l("公开的目录，含套餐和价格。每页 100 项，先上架的在前。")),
    "GET /api/v1/subscriptions": (_l("列出订阅"), _l("谁订阅了您的服务。每页 100 项，先订的在前。")),
    "GET /api/v1/subscriptions/{id}": (_l("查看一项订阅"), _l("别家的订阅按不存在回答。")),
    "POST /api/v1/reservations": (
        _l("预留客户的预算"),
        _l("提供之前先问：客户可以给每月的全部费用设预算，预留的马上占着，很多人同时问也不会超出。预算不够时答 budget_exhausted 和还剩多少，这时请不要提供。按数量预留时，价格和账单算法相同，从已用和已预留的往上算。没有设预算的客户都会成功。"),
    ),
    "GET /api/v1/reservations": (_l("列出预留"), _l("自己的全部预留，可以只看一种状态。每页 100 项，先预留的在前。")),
    "POST /api/v1/reservations/{id}/settle": (_l("结算预留"), _l("用过了：先上报用量，再来结算。可以少于预留的，其余马上空出来。重复结算没有副作用。")),
    "POST /api/v1/reservations/{id}/release": (_l("放弃预留"), _l("没有用：预留的马上空出来。重复放弃没有副作用；到期没有结算的会自动空出来。")),
    "GET /api/v1/provisioning": (_l("列出开通请求"), _l("内容和签名通知一样，系统收不到通知时可以来问。每页 100 项。")),
    "POST /api/v1/provisioning/{id}/complete": (_l("报告办好了"), _l("新订阅从这时起可用、开始计费。重复报告没有副作用。")),
    "POST /api/v1/provisioning/{id}/fail": (_l("报告办不了"), _l("客户会看到原因。重复报告没有副作用。")),
}
PARAMETERS = {
    "dry_run": _l("只判定，不保存。"),
    "slug": _l("计量项的代号，或它的 id。"),
    "meter": _l("计量项的代号，或它的 id。"),
    "from": _l("从什么时候起：带时区的时间，或一天。"),
    "to": _l("到什么时候止，不含。"),
    "windowSize": _l("MINUTE、HOUR、DAY、MONTH；不写就合成一段。"),
    "windowTimeZone": _l("IANA 时区名，不写就是 Asia/Shanghai。"),
    "subject": _l("哪些订阅，可以写几次；不写就是全部。"),
    "groupBy": _l("按哪些分组字段分开，或 subject；可以写几次。"),
    "filterGroupBy": _l("写成 filterGroupBy[字段]=值，只要这些值的用量；可以写几次。"),
    "format": _l("json 或 csv，和 Accept 头一样。"),
    "type": _l("事件类型。"),
    "source": _l("和 id 一起用：事件的来源。"),
    "cursor": _l("下一页的位置，照抄 Link 头里的地址。"),
    "status": _l("预留：held 占着、settled 已结算、released 已放弃、expired 已到期。开通：pending 待办、done 已办好、failed 办不了。事件：accepted 已计入、refused 没计入。"),
    "id": _l("编号：sub_…、prov_…、rsv_…，或事件的 id。"),
}


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the page shows it."""

    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: list[dict[str, Any]]
    media_types: list[str]
    statuses: list[str]

    @property
    def anchor(self) -> str:
        """Where on the page it stands."""
        return f"{self.method}-{self.path}".lower().replace("/", "-").replace("{", "").replace("}", "")


@bp.get("/openapi.json")
def spec() -> Response:
    """The OpenAPI 3.1 document."""
    return answer(_document())


@bp.get("/docs")
def show() -> str:
    """The same, to read."""
    document = _document()
    return render_template(
        "api/docs.html",
        document=document,
        groups=_groups(document),
        base_url=resources.settings.base_url,
        scopes=SCOPES,
        tags=TAGS,
        parameters=PARAMETERS,
        reasons=REASONS,
        limits={"events": bodies.MOST_EVENTS, "megabytes": bodies.MOST_BYTES // 1024**2},
    )


def _document() -> dict[str, Any]:
    servers = [{"url": resources.settings.base_url}]
    document = {**cast(OpenAPI, current_app).api_doc, "servers": servers}
    for told in (told for methods in document["paths"].values() for told in methods.values()):
        for parameter in told.get("parameters", []):
            if parameter["schema"].get("type") == "object":
                parameter |= {"style": "deepObject", "explode": True}
    return document


def _groups(document: dict[str, Any]) -> list[tuple[dict[str, Any], list[Operation]]]:
    operations = list(_operations(document))
    return [
        (tag, [operation for names, operation in operations if tag["name"] in names])
        for tag in document.get("tags", [])
    ]


def _operations(document: dict[str, Any]) -> Iterator[tuple[list[str], Operation]]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            summary, description = OPERATIONS[f"{method.upper()} {path}"]
            yield told.get("tags", []), Operation(
                method=method.upper(),
                path=path,
                summary=str(summary),
                description=str(description),
                scope=_scope(path, method),
                parameters=told.get("parameters", []),
                media_types=list(told.get("requestBody", {}).get("content", {})),
                statuses=sorted(told.get("responses", {})),
            )


def _scope(path: str, method: str) -> str:
    rule = path.replace("{", "<").replace("}", ">")
    for route in current_app.url_map.iter_rules():
        if route.rule == rule and method.upper() in (route.methods or ()):
            return _marked(current_app.view_functions[route.endpoint])
    return ""


def _marked(view: Any) -> str:
    """The scope on a view, below whatever the framework wrapped round it."""
    while view is not None:
        if hasattr(view, "scope"):
            return str(view.scope)
        view = getattr(view, "__wrapped__", None)
    return ""
