"""What a report can be about, in words for all faces."""

from flask_babel import lazy_gettext as _l

KINDS = {
    "price": _l("价格或套餐写得不对"),
    "facts": _l("介绍和实际不符"),
    "certificate": _l("证书或资质有问题"),
    "unlawful": _l("违法或侵犯权利"),
    "other": _l("别的问题"),
}
