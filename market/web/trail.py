"""The audit trail in words: what each recorded action is called, for lists and timelines.

A new action gets a line here; one without a line shows its code, so nothing is hidden.
"""

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from market.audit import AuditEvent

TITLES = {
    "order.submitted": _l("提交订单，等待批准"),
    "order.approved": _l("批准了订单"),
    "order.refused": _l("没有批准订单"),
    "order.canceled": _l("取消了订单"),
    "order.expired": _l("订单过期，没有人批准"),
    "organization.approval_limit_changed": _l("修改了审批金额"),
    "subscription.ordered": _l("下单订阅"),
    "subscription.activated": _l("开通成功"),
    "subscription.failed": _l("没有开通成功"),
    "subscription.retried": _l("重新开通"),
    "subscription.cancel_planned": _l("安排了停用"),
    "subscription.kept": _l("撤销停用，继续使用"),
    "subscription.converted": _l("试用后转为正式订阅"),
    "subscription.trial_ended": _l("试用结束，开始计费"),
    "subscription.ended": _l("已停用"),
    "subscription.deprovisioned": _l("服务商已停止服务"),
    "subscription.deprovision_failed": _l("服务商没能停止服务"),
    "webhook.delivered": _l("通知已送到服务商系统"),
    "webhook.not_delivered": _l("通知没有送到服务商系统"),
    "user.signed_in": _l("登录了"),
    "user.signed_out": _l("退出了登录"),
    "user.sign_in_failed": _l("多次没能登录"),
    "user.sessions_ended": _l("结束了其他登录"),
    "user.reset_requested": _l("请求重新设置密码"),
    "user.password_changed": _l("更改了密码"),
    "user.email_confirmed": _l("确认了邮箱"),
    "user.email_changed": _l("更换了登录邮箱"),
    "user.changed": _l("修改了个人资料"),
    "session.ended": _l("结束了一处登录"),
    "organization.registered": _l("注册了企业"),
    "organization.wanted": _l("有人想用这家企业注册，已请所有者处理"),
    "organization.added": _l("添加了企业"),
    "member.added": _l("添加了成员"),
    "member.role_changed": _l("修改了成员的角色"),
    "member.removed": _l("移除了成员"),
    "member.left": _l("退出了企业"),
    "invitation.sent": _l("邀请了成员"),
    "invitation.resent": _l("再次寄出邀请"),
    "invitation.withdrawn": _l("撤回了邀请"),
    "invitation.accepted": _l("接受了邀请"),
    "authenticator.begun": _l("开始添加验证器应用"),
    "authenticator.added": _l("添加了验证器应用"),
    "authenticator.replaced": _l("换了验证器应用"),
    "authenticator.removed": _l("移除了验证器应用"),
    "recovery_codes.made": _l("生成了恢复码"),
    "recovery_code.used": _l("用恢复码登录"),
    "passkey.added": _l("添加了通行密钥"),
    "passkey.renamed": _l("改了通行密钥的名字"),
    "passkey.removed": _l("移除了通行密钥"),
    "passkey.refused": _l("拒绝了计数倒退的通行密钥"),
    "second_step.forgotten": _l("清除了全部两步验证"),
    "user.second_step_taken": _l("通过了两步验证"),
    "user.erased": _l("注销了账号，姓名和来源地址已抹去"),
    "provider.applied": _l("申请入驻"),
    "provider.approved": _l("通过了入驻"),
    "provider.refused": _l("入驻未通过"),
    "provider.suspended": _l("暂停了服务商"),
    "provider.reinstated": _l("恢复了服务商"),
    "provider.edited": _l("修改了服务商资料"),
    "provider.licence_added": _l("添加了证照"),
    "provider.webhook_changed": _l("修改了通知地址"),
    "provider.webhook_secret_made": _l("生成了签名密钥"),
    "meter.added": _l("新建了计量项"),
    "offering.added": _l("新建了服务"),
    "offering.provisioning_changed": _l("修改了开通方式"),
    "offering.listed": _l("服务上架"),
    "offering.suspended": _l("暂停了服务"),
    "offering.reinstated": _l("恢复了服务"),
    "offering.retired": _l("下架了服务"),
    "revision.started": _l("开始新的修改"),
    "revision.edited": _l("修改了内容"),
    "revision.submitted": _l("提交了审核"),
    "revision.claimed": _l("领取了审核"),
    "revision.taken_over": _l("接手了审核"),
    "revision.commented": _l("写了审核意见"),
    "revision.returned": _l("退回了修改"),
    "revision.refused": _l("审核未通过"),
    "revision.approved": _l("审核通过"),
    "revision.published": _l("发布了内容"),
    "revision.superseded": _l("被新版本替换"),
    "plan.saved": _l("修改了套餐"),
    "plan.dropped": _l("删除了套餐草稿"),
    "plan.published": _l("发布了套餐"),
    "plan.retired": _l("停售了套餐"),
    "offering.moved": _l("换了类别"),
    "meter.renamed": _l("改了计量项的名称"),
    "meter.changed": _l("建了计量项的新一版"),
    "organization.changed": _l("修改了企业资料"),
    "organization.check_expired": _l("企业核验失效"),
    "verification.submitted": _l("提交了营业执照"),
    "verification.verified": _l("通过了企业核验"),
    "verification.refused": _l("退回了企业核验"),
    "document.stored": _l("上传了文件"),
    "provider.rechecked": _l("重新核验了服务商"),
    "provider.changed": _l("修改了资料"),
    "provider.licence_changed": _l("更新了证照"),
    "usage_upload.received": _l("上传了用量文件"),
    "usage_upload.done": _l("用量文件处理完毕"),
    "usage_upload.failed": _l("用量文件没有处理完"),
    "usage.import_started": _l("开始导入用量文件"),
    "usage.archived": _l("把一个月的原始事件归档成了文件"),
    "usage.imported": _l("导入了用量文件"),
    "refused_event.resent": _l("改正并重发了一条没计入的事件"),
    "refused_event.set_aside": _l("不再处理一条没计入的事件"),
    "usage_correction.made": _l("更正了用量"),
    "usage_correction.proposed": _l("提出更正用量，等待复核"),
    "usage_correction.approved": _l("复核通过用量更正"),
    "usage_correction.rejected": _l("没有通过用量更正"),
    "reconciled_day.accepted": _l("确认了一天的用量"),
    "reconciled_day.disputed": _l("对一天的用量提出异议"),
    "reconciled_day.answered": _l("回复了用量异议"),
    "reconciled_day.settled": _l("用量异议已解决"),
    "edition.added": _l("新建了一期推荐目录"),
    "entry.nominated": _l("提名推荐"),
    "entry.approved": _l("复核通过提名"),
    "entry.listed": _l("列入推荐目录"),
    "entry.declined": _l("提名未入选"),
    "entry.withdrawn": _l("撤出了推荐目录"),
    "entry.expired": _l("推荐到期"),
    "api_key.issued": _l("新建接口密钥"),
    "api_key.rotated": _l("更换接口密钥"),
    "api_key.revoked": _l("停用接口密钥"),
    "export.requested": _l("申请导出全部数据"),
    "export.ready": _l("数据归档准备好了"),
    "export.failed": _l("数据归档没有做成"),
    "export.downloaded": _l("下载了数据归档"),
    "bill.drafted": _l("生成账单草稿"),
    "bill.issued": _l("账单定稿"),
    "bill.paid": _l("账单付清"),
    "bill.part_paid": _l("账单收到部分付款"),
    "bill.overdue": _l("账单逾期"),
    "bill.close_failed": _l("账单没有生成"),
    "bills.close_started": _l("手动结账"),
    "policy.announced": _l("公布了规则或政策的新版本"),
    "policy.agreed": _l("同意了规则或政策"),
    "policy.seen": _l("看过规则或政策的改动"),
    "payment.started": _l("选择对公转账付款"),
    "payment.announced": _l("通知已转账"),
    "payment.confirmed": _l("确认了到账"),
    "payment.succeeded": _l("付款到账"),
    "payment.canceled": _l("取消付款"),
    "payment.failed": _l("付款没有成功"),
}
#: Done by the provider's people, key or system.
BY_PROVIDER = frozenset(
    {
        "subscription.activated",
        "subscription.failed",
        "subscription.deprovisioned",
        "subscription.deprovision_failed",
    }
)
BAD = frozenset(
    {
        "subscription.failed",
        "subscription.deprovision_failed",
        "webhook.not_delivered",
        "bill.overdue",
        "bill.close_failed",
    }
)
#: Reasons that are stored as codes, such as why a provider's system could not be reached; anything else is a reason in somebody's own words.
REASONS = {
    "reset": _l("用邮件里的链接重新设置"),
    "undone": _l("用旧邮箱里的链接换回"),
    "licence_replaced": _l("更换了营业执照"),
    "identity_changed": _l("企业名称或统一社会信用代码变了"),
    "check_over": _l("核验到期"),
    "timeout": _l("服务商系统 15 秒内没有回应"),
    "unreachable": _l("连不上服务商系统"),
    "unknown_host": _l("找不到服务商系统的地址"),
    "private_target": _l("通知地址指向内网，没有发送"),
    "not_https": _l("通知地址不是 https，没有发送"),
    "called_off": _l("客户已取消"),
    "invalid": _l("服务商系统回应的登录信息读不懂"),
}


def actor(event: AuditEvent) -> str:
    """Who it was; the market's own programs have no name that says anything to a reader."""
    if event.actor_forgotten:
        return gettext("已注销的用户")
    return gettext("系统") if event.actor_kind == "system" else event.actor_label


def subject(event: AuditEvent) -> str:
    """What or whom it was done to."""
    return gettext("已注销的用户") if event.subject_forgotten else event.subject_label


def title(event: AuditEvent) -> str:
    """What happened, in a few words."""
    return str(TITLES.get(event.action, event.action))


def reason(code: str) -> str:
    """A stored reason for people: known codes in words, `http_503` with its number, other text as it is."""
    if code in REASONS:
        return str(REASONS[code])
    if code.startswith("http_") and code[5:].isdigit():
        return gettext("服务商系统回应了错误 %(status)s", status=code[5:])
    return code
