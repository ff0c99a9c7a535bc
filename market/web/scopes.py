"""What each scope of an API key is called, and what it opens."""

from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Scope:
    """What a key may be allowed to do, in words."""

    name: LazyString
    opens: LazyString


SCOPES = {
    "events:write": Scope(_l("上报用量"), _l("发送用量事件，计入的会向客户收费。")),
    "catalogue:read": Scope(_l("读取目录"), _l("看在售的服务、套餐和价格。")),
    "subscriptions:read": Scope(_l("读取订阅"), _l("看谁订阅了贵公司的服务、什么状态。")),
    "usage:read": Scope(_l("读取计量项和用量"), _l("看计量项、用了多少和逐条事件：服务商看客户的，企业看自己的。")),
    "provisioning:write": Scope(_l("接收并完成开通请求"), _l("看要开通和停止的服务，报告结果，提交客户的登录信息。")),
}
