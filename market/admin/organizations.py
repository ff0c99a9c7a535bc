"""`/admin/organizations`: every firm and office, and who belongs to it."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l

from market import accounts, audit, resources
from market.accounts import OrganizationKind
from market.admin import parts
from market.kit.period import local_day
from market.web import firms, guards, journal, paging, roles

bp = Blueprint("organizations", __name__, url_prefix="/organizations")

KINDS = {
    OrganizationKind.BUYER: _l("购买企业"),
    OrganizationKind.PROVIDER: _l("服务商"),
    OrganizationKind.PLATFORM: _l("平台"),
}


@bp.get("/")
@guards.require("organizations.read")
def index() -> str:
    """The latest first; `?kind=buyer&q=名称`."""
    wanted, words = request.args.get("kind", ""), request.args.get("q", "").strip()[:60]
    kind = OrganizationKind(wanted) if wanted in set(OrganizationKind) else None
    page = paging.page_of(accounts.organizations(kind, words), size=30)
    return render_template(
        "admin/organizations/index.html",
        organizations=page,
        members=accounts.member_counts([organization.id for organization in page]),
        kinds=KINDS,
        kind=kind,
        words=words,
        cities={city.code: city for city in accounts.cities()},
    )


@bp.get("/<int:id>")
@guards.require("organizations.read")
def show(id: int) -> str:
    """One organization with its members and its trail."""
    organization, today = accounts.organization_by_id(id), local_day(resources.clock.now())
    recent = audit.newest(20, audit.Narrowed(id)) if guards.can("audit.read") else []
    return render_template(
        "admin/organizations/show.html",
        organization=organization,
        members=accounts.members_of(organization),
        kinds=KINDS,
        facts=firms.texts(accounts.profile_of(organization), on=today),
        labels=firms.LABELS,
        size=firms.size_view(organization, on=today),
        verifications=accounts.verifications_of(organization.id),
        roles=roles.LABELS,
        recent=journal.entries(recent, journal.Reader(None, parts.subject_url)),
    )
