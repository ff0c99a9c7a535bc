"""Every "no" of this domain, with a name."""

from __future__ import annotations

from market.errors import Refused


class NotForSale(Refused):
    """The plan is not, or no longer, on sale."""

    code = "not_for_sale"
    message = "这个套餐已经停售。请回到服务页，看现在在售的套餐和价格。"


class OfferingNotLive(Refused):
    """The offering is paused or withdrawn; what was bought before goes on."""

    code = "offering_not_live"
    message = "这项服务现在不接受新订阅。已有的订阅不受影响。"


class ProviderNotApproved(Refused):
    """The provider may not take on customers at present."""

    code = "provider_not_approved"
    message = "这家服务商暂时不能接受新订阅。可以先看同类的其他服务。"


class TermsChanged(Refused):
    """What the buyer saw is not what would be agreed now."""

    code = "terms_changed"
    message = "您看页面的这段时间，服务条款更新了。请看一遍新的内容，再确认。"


class RequestKeyReused(Refused):
    """The key already names an order of something else."""

    code = "request_key_reused"
    message = "这张订单已经提交过，内容是另一个套餐。请从服务页重新选择。"


class AlreadyEnded(Refused):
    """The subscription has ended; there is nothing left to cancel."""

    code = "subscription_ended"
    message = "这项订阅已经停用，不用再退订。"


class NotCanceled(Refused):
    """There is no planned end that could be taken back."""

    code = "subscription_not_canceled"
    message = "这项订阅没有安排停用，不用撤销。"


class NotTrialing(Refused):
    """Only a trial can be turned into a paid subscription."""

    code = "subscription_not_trialing"
    message = "这项订阅不在试用期。"


class RequestClosed(Refused):
    """The request was given up or called off; it cannot be completed any more."""

    code = "request_closed"
    message = "这项开通任务已经关闭，客户可能已经取消。请不要再为它提供服务。"


class RequestNotFailed(Refused):
    """Only a failed request is tried again."""

    code = "request_not_failed"
    message = "这项任务没有失败，不用重试。"


class ApprovalDue(Refused):
    """The order is above the firm's limit, and the buyer was not told that it will wait."""

    code = "approval_due"
    message = "按这个用量，订单要等企业的老板（所有者）批准。请看一遍下面的金额，再确认。"


class OrderClosed(Refused):
    """Somebody has decided it already, its buyer has taken it back, or it has waited too long."""

    code = "order_closed"
    message = "这张订单已经有了结果，不能再改。请看这一页最新的状态。"


class TermsOutdated(Refused):
    """What the buyer agreed to cannot be had any more."""

    code = "order_outdated"
    message = "下单以后，服务的价格、条款或在售情况变了，不能按原来的条件下单。请不批准这张订单，让下单的人看过新的内容再下单。"


class NotYours(Refused):
    """Only who ordered can take an order back."""

    code = "not_your_order"
    message = "只有下单的人能取消这张订单。有审批权限的人可以不批准。"
