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


class HasEnded(AlreadyEnded):
    """The subscription has ended; there is nothing left to change."""

    message = "这项订阅已经停用，不能再改。需要时请重新订阅。"


class NotRunning(Refused):
    """It is not set up yet: what was ordered can be called off, not changed."""

    code = "subscription_not_running"
    message = "这项订阅还没有开通，开通以后才能改。"


class IsSuspended(Refused):
    """The administrators or an unpaid bill have stopped it; that has to be settled first."""

    code = "subscription_suspended"
    message = "这项订阅已被停止使用，恢复以后才能改。欠费的请先付清账单。"


class EndsBefore(Refused):
    """It is to end before the change would take effect."""

    code = "subscription_ends_before"
    message = "这项订阅已经安排停用，到那一天不会再有改动。要改，请先撤销停用。"


class NothingChanges(Refused):
    """What was asked for holds already."""

    code = "nothing_changes"
    message = "选的和到那一天的套餐、数量一样，不用改。"


class OtherOffering(Refused):
    """A subscription changes between the plans of one offering."""

    code = "other_offering"
    message = "只能换成同一项服务的套餐。要用别的服务，请另外订阅。"


class ApproverNeeded(Refused):
    """A month would cost more than the firm's limit, and this person may not approve that."""

    code = "approver_needed"
    message = "改了以后，每月费用超过企业设定的审批金额。请企业的老板（所有者）来改。"


class ChangeBegun(Refused):
    """It has taken effect, or something else has taken its place."""

    code = "change_begun"
    message = "这项改动已经生效或已被替换，不能撤回。请看这一页最新的状态。"


class PriceStands(Refused):
    """A new price that was announced is the provider's to take back."""

    code = "price_stands"
    message = "改价是服务商宣布的，不能撤回。不接受新价格，可以在生效前退订。"


class AlreadyPaused(Refused):
    """On that day it is paused already."""

    code = "subscription_already_paused"
    message = "那一天已经在暂停中，不用再暂停。"


class NotPaused(Refused):
    """On that day it is not paused."""

    code = "subscription_not_paused"
    message = "那一天没有暂停，不用恢复。"


class TrialNotPaused(Refused):
    """A trial costs nothing, so there is nothing to pause."""

    code = "trial_not_paused"
    message = "试用期不收费，不用暂停。可以安排在试用结束、转为正式以后再暂停。"


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


class ConfirmedLate(RequestClosed):
    """It was set up after it had been given up or called off: nothing is charged, and it has to be taken down.

    The request for that is written; whoever hears this commits although the answer is no.
    """

    code = "confirmed_late"
    message = "这项开通任务早已关闭，不会向客户收费。我们新建了一项停止服务的任务，请把已经开通的收回。"


class WrongSubject(Refused):
    """The answer names another request or subscription than the one it answers."""

    code = "wrong_subject"
    message = "回应里的任务或订阅编号和这项任务不一致，没有采纳。请核对后重新报告。"


class NoSystem(Refused):
    """No system of the provider listens at present."""

    code = "no_system"
    message = "现在没有可用的通知地址，不能用系统通知。请先到“通知地址”里填写或恢复，或者人工办理。"


class NothingToRotate(Refused):
    """Only what runs has access details that could be changed."""

    code = "nothing_to_rotate"
    message = "这项订阅没有在使用，没有可更换的登录信息。"


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


class SoldOut(Refused):
    """The provider has set how many there can be, and all are taken."""

    code = "sold_out"
    message = "这项服务的名额已经订满，现在不能新订阅。可以看看同类的其他服务，或打电话问服务商什么时候有名额。"


class LimitReached(Refused):
    """The firm has as many of it as the provider lets one firm have."""

    code = "limit_reached"
    message = "服务商规定一家企业最多订 %(limit)s 份，贵企业已经订满。要更多，请在已有订阅里改，或联系服务商。"


class QuantityUnsuitable(Refused):
    """The plan is not sold in this number."""

    code = "quantity_unsuitable"
    message = "这个套餐不按这个数量卖。"


class QuantityOutside(QuantityUnsuitable):
    """Fewer than the plan's minimum, or more than its maximum."""

    code = "quantity_outside"
    message = "数量填 %(low)s 到 %(high)s 之间的整数。"


class QuantityTooLarge(QuantityOutside):
    """More than can be had of the plan: it would not carry the use."""

    code = "quantity_too_large"
    message = "这个套餐最多订 %(high)s，装不下 %(many)s。"


class QuantityBetween(QuantityUnsuitable):
    """It is sold in steps, and this is between two."""

    code = "quantity_between"
    message = "数量从 %(low)s 起，每次加 %(step)s。"


class StillOnSale(Refused):
    """Who subscribes tomorrow would not be told: the old version has to be off sale first."""

    code = "plan_still_on_sale"
    message = "这一版还在售。先发布新的一版，或把它停售，再向老客户宣布改价。"


class PriceChangeUnsuitable(Refused):
    """The two are not versions that one can follow the other."""

    code = "price_change_unsuitable"
    message = "新套餐要在同一项服务里，不是同一版，而且按同样的单位卖。请重新选择。"


class PriceChangeForOthers(Refused):
    """A private plan can only follow for firms it is for."""

    code = "price_change_for_others"
    message = "新套餐是商定套餐，但不是每家要通知的企业都在它的名单里。请先把这些企业加进名单。"


class PriceChangeAnnounced(Refused):
    """One announcement for a version at a time."""

    code = "price_change_announced"
    message = "这一版已经宣布过改价，还没到生效日。要改，请先撤回那一次。"


class PriceChangeOver(Refused):
    """It has taken effect, or the provider has taken it back."""

    code = "price_change_over"
    message = "这次改价已经生效或撤回，不能再改。请看这一页最新的状态。"


class NobodyToTell(Refused):
    """Nobody uses the old version."""

    code = "nobody_to_tell"
    message = "没有企业在用这一版，不用宣布改价。"
