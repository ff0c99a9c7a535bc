"""What every state is called on screen, with its tone and icon: never by color alone."""

from dataclasses import dataclass
from enum import Enum

from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class State:
    """A state's words. `tone` is one of "", ok, info, warn, bad, rec."""

    label: LazyString
    tone: str = ""
    icon: str = "circle"


DONE, WAIT, STOP, OFF, EDIT = "circle-check", "clock", "alert-triangle", "circle-x", "pencil"

STATES: dict[str, dict[str, State]] = {
    "verification": {
        "unverified": State(_l("未核验"), "", "circle"),
        "checking": State(_l("核验中"), "info", WAIT),
        "verified": State(_l("已核验"), "ok", "shield-check"),
        "refused": State(_l("未通过核验"), "bad", STOP),
        "expired": State(_l("核验已失效"), "warn", STOP),
    },
    "provider": {
        "applied": State(_l("入驻审核中"), "info", WAIT),
        "approved": State(_l("已入驻"), "ok", "shield-check"),
        "refused": State(_l("未通过"), "bad", STOP),
        "suspended": State(_l("已暂停"), "warn", "player-pause"),
        "closed": State(_l("已退出"), "", OFF),
    },
    "revision": {
        "draft": State(_l("草稿"), "", EDIT),
        "submitted": State(_l("等待审核"), "info", WAIT),
        "in_review": State(_l("审核中"), "info", WAIT),
        "approved": State(_l("已通过，待发布"), "ok", DONE),
        "returned": State(_l("待修改"), "warn", STOP),
        "refused": State(_l("未通过"), "bad", OFF),
        "published": State(_l("已发布"), "ok", DONE),
        "superseded": State(_l("已被新版本替换"), "", "history"),
    },
    "offering": {
        "unlisted": State(_l("未上架"), "", "circle"),
        "live": State(_l("已上架"), "ok", DONE),
        "suspended": State(_l("已暂停"), "warn", "player-pause"),
        "retired": State(_l("已下架"), "", OFF),
    },
    "plan": {
        "draft": State(_l("草稿"), "", EDIT),
        "published": State(_l("在售"), "ok", DONE),
        "retired": State(_l("停售"), "", OFF),
    },
    "price_change": {
        "announced": State(_l("已宣布，还没生效"), "info", WAIT),
        "applied": State(_l("已生效"), "ok", DONE),
        "withdrawn": State(_l("已撤回"), "", OFF),
    },
    "price_notice": {
        "none": State(_l("没表态"), "", "circle"),
        "accepted": State(_l("接受新价格"), "ok", DONE),
        "leaving": State(_l("到期停用"), "warn", OFF),
    },
    "recommended": {
        "nominated": State(_l("已提名，待另一人决定"), "info", WAIT),
        "scored": State(_l("已评分，待复核"), "info", WAIT),
        "approved": State(_l("已通过，待发布"), "ok", DONE),
        "listed": State(_l("推荐目录"), "rec", "award"),
        "declined": State(_l("未入选"), "", OFF),
        "expired": State(_l("推荐已到期"), "", "history"),
        "withdrawn": State(_l("已撤出推荐"), "warn", OFF),
    },
    "order": {
        "draft": State(_l("草稿"), "", EDIT),
        "awaiting_approval": State(_l("待审批"), "info", WAIT),
        "placed": State(_l("已下单"), "info", WAIT),
        "fulfilled": State(_l("已开通"), "ok", DONE),
        "failed": State(_l("没开通成"), "bad", STOP),
        "refused": State(_l("未批准"), "bad", OFF),
        "canceled": State(_l("已取消"), "", OFF),
        "expired": State(_l("已过期"), "", "history"),
    },
    "subscription": {
        "pending": State(_l("等待开通"), "info", WAIT),
        "provisioning": State(_l("开通中"), "info", WAIT),
        "trialing": State(_l("试用中"), "info", WAIT),
        "active": State(_l("使用中"), "ok", DONE),
        "failed": State(_l("没开通成"), "bad", STOP),
        "paused": State(_l("已暂停"), "", "player-pause"),
        "suspended": State(_l("停止使用，待处理"), "warn", STOP),
        "ended": State(_l("已停用"), "", OFF),
    },
    "bill": {
        "draft": State(_l("未出账"), "", EDIT),
        "open": State(_l("待付款"), "warn", WAIT),
        "part_paid": State(_l("部分付款"), "warn", WAIT),
        "paid": State(_l("已付清"), "ok", DONE),
        "overdue": State(_l("已逾期"), "bad", STOP),
        "written_off": State(_l("已核销"), "", OFF),
        "void": State(_l("已作废"), "", OFF),
    },
    "credit_note": {
        "issued": State(_l("已开出"), "info", "file-invoice"),
        "awaiting_red_fapiao": State(_l("等待红字发票"), "warn", WAIT),
        "settled": State(_l("已结清"), "ok", DONE),
        "void": State(_l("已作废"), "", OFF),
    },
    "credit_proposal": {
        "proposed": State(_l("等待复核"), "warn", WAIT),
        "approved": State(_l("已同意"), "ok", DONE),
        "rejected": State(_l("没有同意"), "bad", OFF),
    },
    "refund": {
        "pending": State(_l("等待退款"), "warn", WAIT),
        "processing": State(_l("正在退回"), "info", WAIT),
        "succeeded": State(_l("已退款"), "ok", DONE),
        "failed": State(_l("没有退成"), "bad", STOP),
        "canceled": State(_l("不退了，记回余额"), "", OFF),
    },
    "payment": {
        "pending": State(_l("等待到账"), "warn", WAIT),
        "processing": State(_l("处理中"), "info", WAIT),
        "succeeded": State(_l("已到账"), "ok", DONE),
        "failed": State(_l("没有成功"), "bad", STOP),
        "canceled": State(_l("已取消"), "", OFF),
    },
    "dispute": {
        "open": State(_l("银行在处理"), "warn", WAIT),
        "won": State(_l("争议已解除"), "ok", DONE),
        "lost": State(_l("钱被银行收回"), "bad", STOP),
    },
    "delivery": {
        "pending": State(_l("等待发送"), "info", WAIT),
        "sent": State(_l("已送达"), "ok", DONE),
        "delivered": State(_l("已送达"), "ok", DONE),
        "failed": State(_l("没有送达，会再试"), "warn", STOP),
        "abandoned": State(_l("没有送达"), "bad", OFF),
        "disabled": State(_l("已停发"), "", OFF),
    },
    "request": {
        "pending": State(_l("等待服务商接收"), "info", WAIT),
        "delivered": State(_l("服务商处理中"), "info", WAIT),
        "done": State(_l("已完成"), "ok", DONE),
        "failed": State(_l("没办成"), "bad", STOP),
        "canceled": State(_l("不用办了"), "", OFF),
    },
    "task_of_others": {
        "pending": State(_l("等同事办理"), "info", WAIT),
        "delivered": State(_l("系统已收到，等它确认"), "info", WAIT),
        "done": State(_l("已完成"), "ok", DONE),
        "failed": State(_l("没办成"), "bad", STOP),
        "canceled": State(_l("不用办了"), "", OFF),
    },
    "task": {
        "pending": State(_l("等您办理"), "info", WAIT),
        "delivered": State(_l("系统已收到，等它确认"), "info", WAIT),
        "done": State(_l("已完成"), "ok", DONE),
        "failed": State(_l("没办成"), "bad", STOP),
        "canceled": State(_l("不用办了"), "", OFF),
    },
    "email": {
        "queued": State(_l("等待发送"), "info", WAIT),
        "sent": State(_l("已发出"), "ok", DONE),
        "kept": State(_l("存在本地邮箱"), "", "mail"),
        "failed": State(_l("没有发出"), "warn", STOP),
    },
    "export": {
        "requested": State(_l("等待准备"), "info", WAIT),
        "building": State(_l("正在准备"), "info", WAIT),
        "ready": State(_l("可以下载"), "ok", DONE),
        "failed": State(_l("没有做成"), "bad", STOP),
        "expired": State(_l("已过期"), "", "history"),
    },
    "bank_statement": {
        "preview": State(_l("等您确认"), "info", WAIT),
        "imported": State(_l("已导入"), "ok", DONE),
        "discarded": State(_l("没有导入"), "", OFF),
    },
    "bank_line": {
        "unmatched": State(_l("未识别"), "warn", STOP),
        "proposed": State(_l("待确认"), "info", WAIT),
        "booked": State(_l("已入账"), "ok", DONE),
        "returned": State(_l("已退回"), "", OFF),
    },
    "upload": {
        "received": State(_l("等待处理"), "info", WAIT),
        "working": State(_l("正在处理"), "info", WAIT),
        "done": State(_l("处理完毕"), "ok", DONE),
        "failed": State(_l("中途停下了"), "bad", STOP),
        "expired": State(_l("明细已清除"), "", "history"),
    },
    "band": {
        "on_time": State(_l("按时"), "ok", DONE),
        "late": State(_l("迟到，计入本期账单"), "info", WAIT),
        "very_late": State(_l("迟到，下期账单调整"), "warn", "history"),
    },
    "correction": {
        "proposed": State(_l("等待复核"), "warn", WAIT),
        "approved": State(_l("已生效"), "ok", DONE),
        "rejected": State(_l("没有通过"), "", OFF),
    },
    "report": {
        "open": State(_l("等待答复"), "info", WAIT),
        "answered": State(_l("已答复"), "ok", DONE),
    },
    "day": {
        "reported": State(_l("已上报"), "", WAIT),
        "accepted": State(_l("已确认"), "ok", DONE),
        "disputed": State(_l("有异议"), "warn", STOP),
        "settled": State(_l("异议已解决"), "info", DONE),
    },
    "kind": {
        "usage": State(_l("用量"), "", "circle"),
        "reversal": State(_l("撤销"), "warn", "history"),
        "replacement": State(_l("替换"), "warn", "history"),
    },
    "webhook": {
        "received": State(_l("已收到"), "info", WAIT),
        "handled": State(_l("已处理"), "ok", DONE),
        "failed": State(_l("处理失败"), "bad", STOP),
    },
    "event": {
        "accepted": State(_l("已计入"), "ok", DONE),
        "duplicate": State(_l("重复，未再计"), "", "copy"),
        "conflict": State(_l("编号相同、内容不同，未计入"), "bad", STOP),
        "rejected": State(_l("没计入"), "bad", OFF),
    },
    "api_key": {
        "active": State(_l("可用"), "ok", DONE),
        "expiring": State(_l("快到期"), "warn", WAIT),
        "replaced": State(_l("更换中，还能用"), "info", "history"),
        "expired": State(_l("已过期"), "", OFF),
        "revoked": State(_l("已经停用"), "", OFF),
    },
    "fapiao": {
        "requested": State(_l("已申请"), "info", WAIT),
        "issuing": State(_l("开票中"), "info", WAIT),
        "issued": State(_l("已开具"), "ok", DONE),
        "refused": State(_l("没开成"), "bad", STOP),
        "withdrawn": State(_l("已撤回"), "", OFF),
        "red": State(_l("已红冲"), "", "history"),
    },
    "statement": {
        "open": State(_l("未结账"), "", EDIT),
        "closed": State(_l("待确认"), "warn", WAIT),
        "agreed": State(_l("已确认"), "ok", DONE),
        "disputed": State(_l("有异议"), "bad", STOP),
    },
    "payout": {
        "pending": State(_l("待打款"), "warn", WAIT),
        "in_transit": State(_l("打款中"), "info", WAIT),
        "paid": State(_l("已打款"), "ok", DONE),
        "failed": State(_l("没有成功"), "bad", STOP),
    },
}


def init_app(app: Flask) -> None:
    """Give templates `state_of("bill", bill.status)`."""
    app.jinja_env.globals["state_of"] = state_of


def state_of(thing: str, status: str | Enum) -> State:
    """The words of one state. Raises KeyError for a state nobody has named."""
    return STATES[thing][str(status.value if isinstance(status, Enum) else status)]
