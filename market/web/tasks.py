"""What providers are asked to do, in words: for their work list and for administrators."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from market.subscriptions import ProvisioningRequest, RequestKind

#: What each kind is called in a list.
KINDS = {
    RequestKind.PROVISION: _l("开通"),
    RequestKind.UPDATE: _l("按变更调整"),
    RequestKind.PAUSE: _l("暂停服务"),
    RequestKind.RESUME: _l("恢复服务"),
    RequestKind.ROTATE: _l("更换登录信息"),
    RequestKind.DEPROVISION: _l("停止服务"),
}
#: What a provider is told when it is done.
DONE = {
    RequestKind.PROVISION: _l("已开通，客户已经能用了。"),
    RequestKind.UPDATE: _l("已记录：按变更调整好了。"),
    RequestKind.PAUSE: _l("已记录：服务已暂停。"),
    RequestKind.RESUME: _l("已记录：服务已恢复。"),
    RequestKind.ROTATE: _l("新的登录信息已交给客户，旧的不再显示。"),
    RequestKind.DEPROVISION: _l("已记录：服务已停止。"),
}
_EXPLAINED = {
    RequestKind.PROVISION: _l("按下面的套餐为客户开通，把登录方式填在这里。您点“已开通”以后，客户开始使用、开始计费。"),
    RequestKind.UPDATE: _l("客户换了套餐或数量，请调整到下面的套餐和数量。费用已按变更日计算。"),
    RequestKind.PAUSE: _l("客户暂停了订阅，请停止新增用量，保留数据。"),
    RequestKind.RESUME: _l("客户恢复了订阅，请恢复到下面的套餐和数量。"),
    RequestKind.ROTATE: _l("客户要求更换登录信息。请作废旧的密码或密钥，把新的填在这里。"),
    RequestKind.DEPROVISION: _l("停止新增用量，按承诺保留数据供客户导出，到期删除。"),
}


def explained(task: ProvisioningRequest) -> LazyString:
    """What a task asks for, in a sentence or two."""
    return _EXPLAINED[task.kind]
