"""`/admin`: what waits for an administrator, oldest first, and what happened lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, g, render_template, url_for
from flask_babel import gettext as _

from market import accounts, audit, catalog, db, payments, providers, quality, recommended, resources
from market.admin import menu, parts
from market.billing import credit_notes
from market.billing.credit_notes import ProposalStatus, RefundStatus
from market.kit.period import local_day
from market.payments import Payment
from market.providers import ProviderStatus
from market.web import formats, guards, journal
from market.web.navigation import url_if
from market.web.problems import KINDS

bp = Blueprint("overview", __name__)

#: How many waiting things of each kind, and how many events, the page shows.
MOST = 20
RECENT = 8
#: Which permission decides what waits in each area.
DECIDES = {
    "reviews": "reviews.decide",
    "recommended": "recommended.decide",
    "payments": "payments.confirm",
    "providers": "providers.decide",
    "verifications": "verifications.decide",
    "feedback": "feedback.decide",
    "credits": "credits.approve",
}


@dataclass(frozen=True)
class Waiting:
    """Something to decide: what kind, which one, from whom, since when."""

    kind: str
    icon: str
    title: str
    note: str
    url: str | None
    since: datetime | None = None
    late: bool = False


@bp.get("/")
@guards.require("overview.read")
def index() -> str:
    """The first page of the administration."""
    now = resources.clock.now()
    waiting = [
        *_reviews(now),
        *_nominations(),
        *_transfers(),
        *_odd_money(),
        *_applications(),
        *_verifications(now),
        *_credits(),
        *_grants(),
        *_refunds(),
        *_reports(),
        *_requirements(now),
    ]
    waiting.sort(key=lambda one: (one.since is None, one.since or now))
    recent = audit.newest(RECENT) if g.can("audit.read") else []
    return render_template(
        "admin/overview/index.html",
        waiting=waiting,
        deciding=_decides_anything(),
        rechecks=providers.due_rechecks(local_day(now)) if g.can("providers.read") else [],
        soon=local_day(now) + providers.RECHECK_NEAR,
        licences=providers.expiring_licences(local_day(now)) if g.can("providers.read") else [],
        today=local_day(now),
        now=now,
        recent=journal.entries(recent, journal.Reader(None, parts.subject_url)),
        age=parts.age,
    )


def _decides_anything() -> bool:
    return any(g.can(permission) for permission in DECIDES.values())


def _waits_here(area: str) -> bool:
    """Whoever decides something sees what waits for her; who only looks on sees what waits at all."""
    return g.can(f"{area}.read") and (g.can(DECIDES[area]) or not _decides_anything())


def _reviews(now: datetime) -> list[Waiting]:
    if not _waits_here("reviews"):
        return []
    return [
        Waiting(
            _("上架审核"), "clipboard-check",
            formats.local(revision.facts, "name") or revision.offering.slug,
            _claimed(formats.local(revision.offering.provider, "name"), revision.reviewer),
            url_for("admin.reviews.show", id=revision.id),
            revision.submitted_at,
            late=now - (revision.submitted_at or now) > catalog.REVIEW_TARGET,
        )
        for revision in db.session.scalars(catalog.review_queue().limit(MOST))
    ]  # fmt: skip


def _claimed(provider: str, reviewer: object) -> str:
    if reviewer is None:
        return provider
    return _("%(provider)s，由 %(reviewer)s 审核", provider=provider, reviewer=reviewer)


def _nominations() -> list[Waiting]:
    if not _waits_here("recommended"):
        return []
    return [
        Waiting(
            _("推荐提名"), "award",
            formats.local(entry.offering.live_revision.facts, "name") if entry.offering.live_revision else entry.offering.slug,
            _("%(name)s 提名，要由另一位管理员决定", name=entry.nominated_by.name),
            url_for("admin.recommended.show", id=entry.id),
            entry.nominated_at,
        )
        for entry in recommended.waiting()[:MOST]
    ]  # fmt: skip


def _transfers() -> list[Waiting]:
    if not _waits_here("payments") or not menu.payments_waiting().announced:
        return []
    announced = payments.awaiting().where(Payment.announced_at.is_not(None)).limit(MOST)
    return [
        Waiting(
            _("到账确认") if g.can("payments.confirm") else _("对公转账"), "building-bank",
            _("%(number)s，%(money)s", number=payment.of_bill.number, money=formats.money(payment.amount_fen)),
            payment.organization.name,
            url_if("admin.payments.show", id=payment.id) or url_if("admin.payments.index"),
            payment.announced_at,
        )
        for payment in db.session.scalars(announced)
    ]  # fmt: skip


def _odd_money() -> list[Waiting]:
    """What no rule could book: of each kind how much there is."""
    if not _waits_here("payments"):
        return []
    work, kind = menu.payments_waiting(), _("收款")
    found = [
        (work.unmatched, "building-bank", _("%(count)s 笔未识别的转账", count=work.unmatched), _("认出企业后入账，或原路退回"), url_if("admin.payments.transfers.index")),
        (work.held, "wallet", _("%(count)s 笔网上付款要核对", count=work.held), _("收到的和应收的不一样，还没有入账"), url_if("admin.payments.gateway_payments.index", show="held")),
        (work.disputes, "alert-triangle", _("%(count)s 笔付款有争议", count=work.disputes), _("到期前在 Stripe 提交证据"), url_if("admin.payments.disputes.index")),
        (work.news, "webhook", _("%(count)s 条 Stripe 的通知处理失败", count=work.news), _("看原因，再重新处理"), url_if("admin.payments.gateway_news.index", show="failed")),
    ]  # fmt: skip
    return [Waiting(kind, icon, title, note, url) for count, icon, title, note, url in found if count]


def _applications() -> list[Waiting]:
    if not _waits_here("providers"):
        return []
    applied = db.session.scalars(providers.all_providers(ProviderStatus.APPLIED).limit(MOST))
    return [
        Waiting(_("服务商入驻"), "building-store", formats.local(provider, "name"), provider.organization.name,
                url_for("admin.providers.show", id=provider.id))
        for provider in applied
    ]  # fmt: skip


def _reports() -> list[Waiting]:
    if not _waits_here("feedback"):
        return []
    return [
        Waiting(
            _("反馈的问题"), "speakerphone",
            formats.local(report.offering.live_revision.facts, "name") if report.offering.live_revision else report.offering.slug,
            str(KINDS[report.kind.value]),
            url_for("admin.reports.show", id=report.id),
            report.created_at,
        )
        for report in db.session.scalars(quality.reports().limit(MOST))
    ]  # fmt: skip


def _requirements(now: datetime) -> list[Waiting]:
    if not _waits_here("feedback"):
        return []
    return [
        Waiting(
            _("要找的服务"), "search", one.text if len(one.text) <= 30 else f"{one.text[:29]}…",
            formats.local(one.category, "name") if one.category else _("类别说不清"),
            url_for("admin.requirements.show", id=one.id), one.created_at, late=quality.due_on(one) < local_day(now),
        )
        for one in db.session.scalars(quality.requirements().limit(MOST))
    ]  # fmt: skip


def _verifications(now: datetime) -> list[Waiting]:
    if not _waits_here("verifications"):
        return []
    return [
        Waiting(
            _("企业核验"), "shield-check", application.name,
            _("%(name)s 提交", name=application.submitted_by.name),
            url_for("admin.verifications.show", id=application.id),
            application.submitted_at,
            late=accounts.decide_by(application.submitted_at) < local_day(now),
        )
        for application in db.session.scalars(accounts.waiting_verifications().limit(MOST))
    ]  # fmt: skip


def _credits() -> list[Waiting]:
    if not _waits_here("credits") or not menu.credits_waiting().proposals:
        return []
    return [
        Waiting(
            _("冲减复核"), "wallet",
            _("%(number)s，%(money)s", number=proposal.bill.number, money=formats.money(proposal.gross_fen)),
            _("%(name)s 提出，要由另一位管理员复核", name=proposal.asked_by.name),
            url_for("admin.credit_notes.proposals.show", id=proposal.id),
            proposal.asked_at,
        )
        for proposal in db.session.scalars(credit_notes.every_proposal(waiting=True).limit(MOST))
    ]  # fmt: skip


def _grants() -> list[Waiting]:
    if not _waits_here("credits") or not menu.credits_waiting().grants:
        return []
    return [
        Waiting(
            _("赠送复核"), "wallet",
            _("%(name)s，%(money)s", name=given.organization.name, money=formats.money(given.amount_fen)),
            _("%(name)s 提出，要由另一位管理员复核", name=given.asked_by.name),
            url_for("admin.credit_notes.balances.show", id=given.id),
            given.asked_at,
        )
        for given in db.session.scalars(credit_notes.grants(ProposalStatus.PROPOSED).limit(MOST))
    ]  # fmt: skip


def _refunds() -> list[Waiting]:
    if not _waits_here("credits") or not menu.credits_waiting().refunds:
        return []
    return [
        Waiting(
            _("退款"), "building-bank",
            _("%(name)s，%(money)s", name=refund.organization.name, money=formats.money(refund.amount_fen)),
            _("没有退成") if refund.status is RefundStatus.FAILED else _("等着退回客户的账户"),
            url_for("admin.credit_notes.refunds.show", id=refund.id),
            refund.asked_at,
        )
        for refund in db.session.scalars(credit_notes.every_refund(credit_notes.OPEN_REFUNDS).limit(MOST))
    ]  # fmt: skip
