"""`/admin/bills/month-end`: how far the month end is, what failed and what to do about it, and dry runs of any month."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from market import accounts, billing, db, resources
from market.accounts import OrganizationKind
from market.admin import parts
from market.billing import DryRun
from market.errors import MarketError
from market.kit import period as periods
from market.kit.refusal import Refusal
from market.web import bill_sheet, errors, formats, guards

bp = Blueprint("month_end", __name__, url_prefix="/bills/month-end")


@bp.get("/")
@guards.require("bills.read")
def index() -> str:
    """Progress by period, and each firm that could not be billed."""
    now = resources.clock.now()
    stand = billing.month_end(now)
    return render_template(
        "admin/month_end/index.html",
        stand=stand,
        steps={stuck.why.kind: _step(stuck.why.kind) for stuck in stand.failed},
        said=parts.said,
        month=periods.month_of(now).previous().label,
        now=now,
    )


@bp.get("/dry-run")
@guards.require("bills.read")
def dry_run() -> tuple[str, int]:
    """What a firm's bill of a month would say now; nothing is written."""
    words, label = request.args.get("organization", "").strip(), request.args.get("month", "").strip()
    problem, found = "", None
    if request.args:
        try:
            found = _found(words, periods.month(label))
            problem = "" if found else _("没有找到唯一的一家企业：请写全名或统一社会信用代码。")
        except periods.InvalidMonth:
            problem = _("月份要写成 2026-10 的样子。")
        except (MarketError, Refusal) as refusal:
            # What keeps the bill from being drawn up is what somebody tries it out for.
            problem = _("算不出来：%(reason)s", reason=errors.translate(refusal))
    page = render_template(
        "admin/month_end/dry_run.html", found=found, problem=problem, words=words, month=label, language=formats.language(),
        kinds=bill_sheet.KINDS,
        last_day=lambda line: periods.Period(line.service_start, line.service_end).last_day,
    )  # fmt: skip
    return page, 422 if problem else 200


def _found(words: str, period: periods.Period) -> DryRun | None:
    firms = db.session.scalars(accounts.organizations(OrganizationKind.BUYER, words).limit(2)).all() if words else []
    exact = [firm for firm in firms if firm.name == words] or firms
    if len(exact) != 1:
        return None
    # Of a firm whose months begin on another day, the one that most of the calendar month lies in.
    own = billing.period_of(exact[0], period.start + period.length / 2)
    return billing.dry_run(exact[0], own, now=resources.clock.now())


def _step(kind: str) -> str:
    """What to do about a kind of failure, named as the program names it."""
    if kind == "InvalidTerms":
        return _("套餐的计费条款读不出来。请服务商改正套餐，或联系技术人员；改好后自动补出。")
    if kind == "EventsArchived":
        return _("这个账期的原始事件已归档，按笔计价的用量没法重新算。请把原因交给技术人员，从归档文件核对。")
    if kind in ("OperationalError", "InterfaceError", "DBAPIError"):
        return _("数据库暂时连不上或太忙。后台会自动再试；一直没好，请检查数据库。")
    return _("请把原因交给技术人员；用试算看看是哪一行。改好后自动补出，不用重新操作。")
