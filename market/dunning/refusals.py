"""Why something about dunning is not done."""

from __future__ import annotations

from market.errors import Refused


class NothingToTake(Refused):
    """No step is left, or nothing is owed."""

    code = "no_dunning_step"
    message = "这张账单没有可以提前的催款步骤。"


class StepTaken(Refused):
    """Another step than the one that was looked at comes next."""

    code = "dunning_step_taken"
    message = "这一步已经办过了。下面是现在的情况。"


class TooEarly(Refused):
    """Services are never stopped before the day that was named."""

    code = "dunning_before_announced_day"
    message = "最后通知写明的日期是 %(day)s，不能提前停用。"


class StepWaits(Refused):
    """Something stands in the way of a step."""

    code = "dunning_waits"
    message = "现在不能催：%(why)s"


class NotHeld(Refused):
    """It was lifted, or is over."""

    code = "dunning_not_held"
    message = "这次暂缓已经结束了。"


class ChangedMeanwhile(Refused):
    """Somebody else wrote a version since the page was opened."""

    code = "dunning_sequence_changed"
    message = "在您填写的时候，另一位管理员改过催款步骤，现在是第 %(number)d 版。请对照新版再保存一次。"


class UnpaidFirst(Refused):
    """The firm's services are stopped for a bill that it owes: nothing new is sold to it until that is paid."""

    code = "unpaid_first"
    message = "账单 %(bill)s 逾期没有付清，服务已经停用，现在不能新订阅。请先到“账单”付清 ¥%(owed)s，到账后马上可以订阅。"
