"""What each role is called on screen."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from market.accounts import Role

LABELS: dict[Role, LazyString] = {
    Role.OWNER: _l("老板（所有者）"),
    Role.PURCHASER: _l("采购"),
    Role.TECHNICIAN: _l("技术"),
    Role.FINANCE: _l("财务"),
    Role.VIEWER: _l("只看"),
    Role.PRODUCT: _l("产品"),
    Role.DEVELOPER: _l("开发"),
    Role.REVIEWER: _l("审核员"),
    Role.CURATOR: _l("推荐目录管理"),
    Role.AUDITOR: _l("审计"),
    Role.SUPER: _l("超级管理员"),
}
