"""A marketplace in which everybody has one of everything, for tests that look at every page.

    world = a_world()
    world.buyer.email, world.seller.email, world.office.email       sign in with PASSWORD
    world.known("console.bills.show")                                {"id": …}: arguments of an address
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import select

from market import (
    accounts,
    audit,
    catalog,
    credentials,
    db,
    dunning,
    ledger,
    payments,
    policies,
    quality,
    recommended,
    subscriptions,
)
from market.accounts.models import Organization, OrganizationKind, Registration
from market.accounts.permissions import SCOPES
from market.accounts.profile import Profile
from market.billing import Bill, BillLine, credit_notes, fapiao
from market.catalog.bundles import Solution, SolutionPart
from market.catalog.models import Offering, OfferingStatus, PlanStatus
from market.metering import RefusedEvent, UsageEvent, reconciliation
from market.payments import statements
from market.policies.models import Subject
from market.providers.models import Provider, ProviderStatus
from market.recommended import Edition, EntryStatus
from market.subscriptions import prices
from tests.builders.accounts import (
    EARLY,
    _added,
    a_city,
    a_member,
    a_sector,
    a_user,
    an_actor,
    an_administrator,
    an_organization,
    the_office,
)  # fmt: skip
from tests.builders.balances import a_grant, transferred
from tests.builders.billing import NOVEMBER, OCTOBER, an_issued_bill, moment
from tests.builders.budgets import a_budget, a_reservation
from tests.builders.catalog import (
    a_charge,
    a_licence,
    a_meter,
    a_plan,
    a_private_plan,
    a_provider,
    an_offering,
)
from tests.builders.corrections import a_proposal
from tests.builders.credentials import a_passkey, an_authenticator
from tests.builders.credit_notes import a_credit, a_note, an_open_bill, paid
from tests.builders.documents import a_picture, an_application
from tests.builders.fapiao import a_billed_firm, a_request, a_wanted_red, recorded
from tests.builders.gateways import a_dispute, a_piece_of_news, a_top_up
from tests.builders.metering import SOURCE, a_file, an_event, ingest, report
from tests.builders.policies import both_policies
from tests.builders.privacy import an_archive
from tests.builders.quality import a_report, a_requirement, a_review
from tests.builders.recommended import an_edition, an_entry
from tests.builders.statements import a_statement, an_imported_statement
from tests.builders.subscriptions import a_subscription, a_waiting_order, the_request
from tests.builders.team import a_team, an_invitation

#: By the beginning of an endpoint's name (the longest that fits): argument -> value.
Values = Mapping[str, int | str]
Things = Mapping[str, Values]


@dataclass(frozen=True)
class Side:
    """Somebody who signs in, and the things that are hers."""

    email: str
    things: Things
    secret: str = ""


@dataclass(frozen=True)
class World:
    """A firm that buys, the provider it buys from, and the administrators."""

    buyer: Side
    seller: Side
    office: Side
    public: Things
    #: Further things of the same kind that look different: in another state, another section.
    others: Mapping[str, Sequence[Values]]

    def known(self, endpoint: str) -> Values:
        """The arguments with which this endpoint has something to show; empty when nobody said."""
        things = {**self.public, **self.buyer.things, **self.seller.things, **self.office.things}
        return fitting(things, endpoint)

    def every(self, endpoint: str) -> list[Values]:
        """All arguments with which this endpoint has something of its own to show."""
        return [self.known(endpoint), *self.others.get(endpoint, ())]

    def visitor(self, endpoint: str) -> Side | None:
        """Who may look at it; None when everybody may."""
        faces = {"account": self.buyer, "console": self.buyer, "vendor": self.seller, "admin": self.office}
        needy = {"storefront.subscribe": self.buyer, "storefront.mailbox": self.buyer, "storefront.preview": self.seller}
        found = [side for beginning, side in needy.items() if endpoint.startswith(beginning)]
        return faces.get(endpoint.partition(".")[0]) or next(iter(found), None)


def fitting(things: Things, endpoint: str) -> Values:
    """The values of the longest beginning of `endpoint` that is listed."""
    parts = endpoint.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((things[name] for name in names if name in things), {})


def a_whole_world() -> World:
    """One world, committed."""
    with db.transaction():
        return a_world()


def a_world(mark: str = "one") -> World:
    """Everything, in the open transaction. `mark` tells worlds in one database apart."""
    a_city()
    a_sector()
    seller_user, key_id, secret, provider = _a_seller(mark)
    live = an_offering(provider, slug=f"backup-{mark}", plans=False)
    plan = _a_rich_plan(live)
    drafts = _drafts(provider, mark)
    buyer, orders = _a_customer(mark, plan)
    subscription, pending = orders["running"], orders["pending"]
    bill = an_issued_bill(db.session.get_one(Organization, subscription.organization_id), OCTOBER)
    metered = next(line for line in bill.lines if line.quantity is not None)
    papers, title = _a_fapiao(bill, buyer)
    asked = a_request(a_billed_firm(plan))
    [(received, _fen)] = payments.received_for(transferred(bill, 100))
    payment = payments.start(bill, by=an_actor(buyer), at=moment("2026-11-08 10:00"))
    db.session.flush()
    slip = payments.add_proof(payment, filename="回单.png", data=a_picture(), user=buyer, by=an_actor(buyer), at=moment("2026-11-08 11:00"))
    firm = db.session.get_one(Organization, subscription.organization_id)
    waiting, refused = (a_waiting_order(firm, plan=plan, at=moment("2026-11-18 09:00")) for _ in range(2))
    at, by = moment("2026-11-19 09:00"), an_actor(buyer, firm)
    subscriptions.refuse(refused, reason="先用着现在的", user=buyer, by=by, at=at)
    application = an_application(firm, user=buyer, at=moment("2026-11-16 10:00"))
    reading, reading_secret = accounts.issue_key(
        firm, name="记账软件", source="", scopes=list(accounts.scopes_of(firm.kind)), by=by, at=moment("2026-11-17 09:00")
    )
    disputed = _a_disputed_day(subscription, buyer)
    credited = a_note(bill, credit_notes.Amount(100), at=moment("2026-11-19 09:30"))
    pause = subscriptions.pause(subscription, when=date(2027, 2, 1), by=by, at=at, reason="春节放假")
    firm_of_buyer = db.session.get_one(Organization, bill.organization_id)
    by_card = a_top_up(firm_of_buyer)
    a_dispute(by_card)
    news = a_piece_of_news(by_card)
    office = _an_office(mark, live, drafts, metered, payment.id, provider.organization_id)
    office = replace(office, things={
        **office.things, "admin.payments.gateway_payments": {"id": by_card.id}, "admin.payments.gateway_news": {"id": news.id}
    })  # fmt: skip
    agreed = a_private_plan(plan, [firm])
    a_budget(firm, "5000", at=moment("2026-11-19 08:00"))
    held = a_reservation(subscription, 120_00, at=moment("2026-11-20 09:45"))
    notice = _a_price_change(live, firm, buyer)
    review, problem, word = _opinions(subscription, live, buyer, seller_user)
    wanted, wanted_word = a_requirement(category=live.category_slug, at=moment("2026-11-19 12:00"))
    shop = {"slug": live.slug}
    if policies.newest(Subject.RULES) is None:
        both_policies()
    return World(
        Side(
            buyer.email,
            {
                "storefront.subscribe.done": {"id": subscription.id},
                "console.subscriptions": {"id": subscription.id},
                "console.subscriptions.changes.withdraw": {"id": subscription.id, "change_id": pause.id},
                "console.access": {"id": subscription.id},
                "console.setup": {"id": orders["pending"].id},
                "console.replay": {"id": subscription.id, "plan_id": _another_plan(plan)},
                "console.approvals": {"id": waiting.id},
                "console.contracts": {"id": subscriptions.contracts_of(subscription)[0].id},
                "console.prices": {"id": notice.id},
                "console.reviews": {"id": live.id},
                "console.bills": {"id": bill.id, "line": metered.id, "day": "2026-10-15"},
                "console.credit_notes": {"id": credited.id},
                "console.balance": {"id": bill.id},
                "console.receipts": {"id": received.id},
                "console.fapiao": papers,
                **dict.fromkeys(("console.fapiao.ask", "console.fapiao.send"), {"id": bill.id}),
                "console.fapiao.titles": {"id": title},
                "console.activity": {"id": _row_of(bill.organization_id)},
                "console.payments": {"id": payment.id, "proof_id": slip.id, "card_id": payments.saved_cards(firm_of_buyer)[0].id},
                "console.days": {
                    "id": disputed.id, "subscription_id": subscription.id, "meter_id": disputed.meter_id, "day": "2026-11-18"
                },
                "console.verification": {"id": application.id},
                "console.exports": {"id": an_archive(buyer, bill.organization_id).id},
                "account.privacy": {"id": an_archive(buyer).id},
                "console.keys": {"id": reading.id},
                **a_team(buyer, "console", mark),
                "account.passkeys": {"id": _second_steps(buyer).id},
                "account.sessions": {"id": credentials.start_session(buyer, at=moment("2026-11-20 09:00"))[0].id},
            },
            reading_secret,
        ),
        Side(
            seller_user.email,
            {
                "storefront.preview": {"id": drafts["draft"].id},
                "vendor.offerings": {"id": drafts["draft"].id, "section": catalog.SECTIONS[0].slug},
                "vendor.offerings.limits": {"id": live.id},
                "vendor.offerings.private_plans": {"offering_id": live.id, "id": agreed.id, "firm_id": firm.id, "plan": "basic"},
                "vendor.offerings.price_changes": {"offering_id": live.id, "id": notice.price_change_id},
                "vendor.contracts": {"id": subscriptions.contracts_of(subscription)[0].id},
                "vendor.offerings.plans": {"offering_id": drafts["draft"].id, "slug": "basic"},
                **{f"vendor.offerings.{act}": {"id": live.id} for act in ("suspend", "retire", "reinstate", "revise")},
                "vendor.meters": {"id": plan.charges[1].meter_id},
                "vendor.customers": {"id": pending.id},
                "vendor.tasks": {"id": the_request(pending).id},
                "vendor.keys": {"id": key_id},
                "vendor.lines": {"id": metered.id, "day": "2026-10-15"},
                "vendor.events": {"id": _an_event_of(subscription), "line": metered.id},
                "vendor.events.corrections": {"id": a_proposal(subscription, now=moment("2026-11-19 10:00")).id},
                "vendor.events.corrections.new": {"event_id": _an_event_of(subscription)},
                "vendor.events.corrections.create": {"event_id": _an_event_of(subscription)},
                "vendor.fapiao": papers,
                "vendor.credit_notes": {"id": credited.id},
                "vendor.reviews": {"id": review.id},
                "vendor.days": {"id": disputed.id},
                "vendor.events.refused": {"id": _a_refused_event(subscription)},
                "vendor.events.files": {"id": a_file(subscription, seller_user).id},
                **a_team(seller_user, "vendor", mark),
                "vendor.activity": {"id": _row_of(provider.organization_id)},
                "vendor.exports": {"id": an_archive(seller_user, provider.organization_id).id},
                "api.subscriptions": {"id": subscription.public_id},
                "api.provisioning": {"id": the_request(pending).public_id},
                "api.reservations": {"id": held.public_id},
                "api.meters": {"slug": f"storage_{mark}"},
            },
            secret,
        ),
        replace(office, things={**office.things, "admin.opinions": {"id": review.id}, "admin.reports": {"id": problem.id}, "admin.requirements": {"id": wanted.id}}),
        {
            "storefront.offerings": shop,
            "storefront.reviews": shop,
            "storefront.changes": shop,
            "storefront.problems": {**shop, "token": word},
            "storefront.requirements": {"token": wanted_word},
            "storefront.recommended": {"slug": _a_past_edition(live).slug},
            "storefront.subscribe": shop,
            "storefront.providers": {"slug": provider.slug},
            "storefront.solutions": {"slug": _a_solution(mark, live).slug},
            "storefront.help": {"topic": "pricing"},
            "storefront.policies": {"subject": "rules", "number": 1},
            **{f"storefront.recovery.{page}": {"token": _a_link(purpose, seller_user)} for page, purpose in LINKS.items()},
            "storefront.register.open_link": {"token": _a_registration(mark)},
            "storefront.invitations": {"token": an_invitation(buyer, firm, email=f"guest-{mark}@example.com")[1]},
        },
        {
            "storefront.subscribe.done": [{"id": order.id} for order in orders.values()],
            "storefront.help.show": [{"topic": topic} for topic in ("leaving", "payment", "fapiao", "listing", "choosing", "reviews")],
            "storefront.policies.show": [{"subject": "privacy"}],
            "storefront.preview.show": [{"id": live.id}],
            "console.subscriptions.show": [{"id": order.id} for order in orders.values()],
            "console.approvals.show": [{"id": refused.id}],
            "console.payments.show": [{"id": by_card.id}],
            "console.subscriptions.cancel": [{"id": pending.id}],
            "vendor.fapiao.show": [{"id": asked.id}],
            "vendor.customers.show": [{"id": order.id} for order in orders.values()],
            "vendor.offerings.show": [{"id": offering.id} for offering in (live, *drafts.values())],
            "vendor.offerings.edit": [{"id": drafts["returned"].id, "section": section.slug} for section in catalog.SECTIONS],
            "vendor.offerings.plans.index": [{"offering_id": live.id}],
            "vendor.offerings.plans.edit": [{"offering_id": live.id, "slug": "basic"}],
            "vendor.offerings.plans.drop": [{"offering_id": live.id, "slug": "yearly"}],
            "admin.reviews.show": [{"id": drafts[state].revisions[0].id} for state in ("submitted", "returned")],
        },
    )


def _a_past_edition(offering: Offering) -> Edition:
    edition = an_edition(starts_on=date(2025, 1, 1), ends_on=date(2025, 12, 31))
    an_entry(offering, edition, status=EntryStatus.EXPIRED)
    return edition


def _opinions(
    subscription: subscriptions.Subscription, live: Offering, buyer: accounts.User, seller: accounts.User
) -> tuple[quality.Review, quality.ProblemReport, str]:
    """A review that was edited, with a reply to its first wording; and a report that waits."""
    at = moment("2026-11-12 10:00")
    review = a_review(subscription, stars=3, text="装客户端花了半天，备份倒是每天都跑。", user=buyer, at=at)
    quality.reply(quality.review_by_id(review.id), text="已写了图文的安装步骤，谢谢您的建议。", user=seller, by=an_actor(seller), at=at)
    a_review(subscription, stars=4, user=buyer, at=moment("2026-11-13 10:00"))
    report_, word = a_report(live, at=moment("2026-11-19 12:00"))
    return review, report_, word


LINKS = {
    "open_reset": credentials.Purpose.RESET_PASSWORD,
    "open_confirmation": credentials.Purpose.CONFIRM_EMAIL,
    "open_change": credentials.Purpose.CHANGE_EMAIL,
    "open_undo": credentials.Purpose.UNDO_EMAIL,
}


def _a_link(purpose: credentials.Purpose, user: accounts.User) -> str:
    """The word of a link in a letter to this person."""
    return credentials.tokens.issue(purpose, user, email=user.email, at=moment("2026-11-20 09:30"))


def _a_registration(mark: str) -> str:
    """The word of the link in the letter to somebody who has filled in the form."""
    word, asked = f"word-of-the-link-{mark}", moment("2026-11-20 09:30")
    firm = Profile(name="示例新来商行", uscc="91440106MA00000314", city_code="440100").tidy().values()
    pending = Registration(
        email=f"newcomer-{mark}@example.com", name="示例新人", password_hash="", firm=firm,
        browser_hash=accounts.browser_digest("another browser"), token_hash=accounts.browser_digest(word),
        created_at=asked, expires_at=asked + timedelta(hours=24),
    )  # fmt: skip
    db.session.add(pending)
    db.session.flush()
    return word


def _a_price_change(live: Offering, firm: Organization, buyer: accounts.User) -> prices.PriceNotice:
    """What the firm was told about a plan that is off sale."""
    old = a_plan(live, slug="small", monthly="19.00", status=PlanStatus.PUBLISHED)
    a_subscription(old, organization=firm, user=buyer)
    old.status, old.retired_at = PlanStatus.RETIRED, moment("2026-11-10 10:00")
    new = a_plan(live, slug="small", monthly="29.00", version_number=2)
    change = prices.announce(
        old, new, effective_on=date(2027, 1, 1), reason_zh="成本上涨", reason_en="", user=buyer, by=an_actor(),
        at=moment("2026-11-19 11:00"),
    )  # fmt: skip
    return prices.notices_of(change)[0]


def _second_steps(user: accounts.User) -> credentials.Passkey:
    """An authenticator, another one being set up, recovery codes and a passkey."""
    by, now = an_actor(an_authenticator(user)), moment("2026-11-20 10:00")
    credentials.authenticators.begin(user, by=by, at=now)
    credentials.recovery_codes.make(user, by=by, at=now)
    return a_passkey(user)


def _a_fapiao(bill: Bill, buyer: accounts.User) -> tuple[Values, int]:
    """A fapiao of the bill, with a red letter to come; and the title it was asked for with."""
    title = fapiao.add_title(
        bill.organization, fapiao.suggested(bill.organization), by=an_actor(buyer, bill.organization), at=moment("2026-11-09 09:00")
    )
    request = recorded(a_request(bill))
    red = a_wanted_red(request, gross_fen=106, net_fen=100)
    assert request.blue is not None
    return {"id": request.id, "paper_id": request.blue.id, "red_id": red.id}, title.id


def _row_of(organization_id: int) -> int:
    """The newest row of its trail."""
    return audit.newest(1, audit.Narrowed(organization_id))[0].id


def _a_seller(mark: str) -> tuple[accounts.User, int, str, Provider]:
    organization = an_organization(kind=OrganizationKind.PROVIDER, name=f"示例云服务商 {mark}")
    provider = a_provider(organization=organization, name=f"示例云服务商 {mark}", phone="020-00000000")
    a_licence(provider)
    user = a_member(organization, user=a_user(email=f"seller-{mark}@example.com", name="示例产品经理"))
    key, secret = accounts.issue_key(
        organization, name="计量程序", source=SOURCE, scopes=list(SCOPES), by=an_actor(user, organization), at=EARLY
    )
    return user, key.id, secret, provider


def _an_event_of(subscription: subscriptions.Subscription) -> int:
    return db.session.scalars(select(UsageEvent.id).where(UsageEvent.subscription_id == subscription.id).limit(1)).one()


def _a_disputed_day(subscription: subscriptions.Subscription, user: accounts.User) -> reconciliation.ReconciledDay:
    """The buyer objects to a day of the first thing that is measured."""
    meter = next(charge.meter for charge in subscription.plan.charges if charge.meter)
    at, day = moment("2026-11-19 11:00"), moment("2026-11-18 09:00").date()
    return reconciliation.dispute(subscription, meter, day, reason="那天停电，没有用。", user=user, by=an_actor(user), now=at)


def _a_refused_event(subscription: subscriptions.Subscription) -> int:
    return db.session.scalars(select(RefusedEvent.id).where(RefusedEvent.provider_id == subscription.provider_id).limit(1)).one()


def _a_rich_plan(offering: Offering) -> catalog.Plan:
    """A plan with every charge model, so that every way of writing a price is on the pages."""
    mark = offering.slug.removeprefix("backup-")
    storage = a_meter(offering.provider, f"storage_{mark}", name_zh="备份空间", name_en="Backup space", unit_zh="GB", unit_en="GB")
    traffic = a_meter(offering.provider, f"traffic_{mark}", name_zh="下载流量", name_en="Downloads", unit_zh="GB", unit_en="GB")
    a_plan(offering, slug="yearly", name_zh="包年版", name_en="Yearly", yearly="1200.00", once="300.00", position=2)
    plan = a_plan(offering, monthly="99.00", per_unit="0.12", meter=storage, included="500", summary_zh="五台电脑以内")
    tiers = [{"up_to": "1000", "unit_price": "0.5", "flat": "0"}, {"up_to": None, "unit_price": "0.4", "flat": "0"}]
    a_charge(plan, {"model": "graduated", "included": "0", "tiers": tiers}, meter=traffic)
    a_charge(plan, {"model": "package", "included": "0", "package_size": "100", "package_price": "5.00"}, meter=f"calls_{mark}")
    return plan


def _another_plan(plan: catalog.Plan) -> int:
    """What the same offering sells beside a plan."""
    others = select(catalog.Plan.id).where(catalog.Plan.offering_id == plan.offering_id, catalog.Plan.id != plan.id)
    return db.session.scalars(others.order_by(catalog.Plan.id)).first() or 0


def _drafts(provider: Provider, mark: str) -> dict[str, Offering]:
    """An offering in every state on the way to the storefront."""
    office, states = an_administrator(), ("draft", "submitted", "in-review", "returned")
    found = {
        state: an_offering(provider, slug=f"{state}-{mark}", status=OfferingStatus.UNLISTED) for state in states
    }
    for state, offering in found.items():
        by, revision = an_actor(office), offering.revisions[0]
        if state != "draft":
            catalog.submit(revision, by=an_actor(), at=moment("2026-11-18 09:00"))
        if state in ("in-review", "returned"):
            catalog.claim(revision, reviewer=office, by=by, at=moment("2026-11-18 10:00"))
            catalog.comment(revision, field="tagline_zh", text="请写明多久备份一次。", by=by, at=moment("2026-11-18 10:05"))
        if state == "returned":
            catalog.send_back(revision, reason="请按意见修改。", by=by, at=moment("2026-11-18 10:10"))
    return found


def _a_customer(mark: str, plan: catalog.Plan) -> tuple[accounts.User, dict[str, subscriptions.Subscription]]:
    """A firm with a subscription in every state, one of them in use since October."""
    firm = an_organization(name=f"示例五金制品有限公司 {mark}", city_code="440100", sector_slug="retail")
    user = a_member(firm, user=a_user(email=f"buyer-{mark}@example.com", name="示例老板"))
    access = {"endpoint": "https://s3.example.com", "access_key": "AK-EXAMPLE"}
    running, leaving, ended = (
        a_subscription(plan, organization=firm, user=user, access=access) for _ in range(3)
    )
    failed, pending = (a_subscription(plan, organization=firm, user=user, started_at=None) for _ in range(2))
    storage, provider = plan.charges[1].meter, plan.offering.provider
    for day, gigabytes in (("2026-10-05", 420), ("2026-10-20", 160), ("2026-11-03", 300), ("2026-11-18", 260)):
        report(running, storage, gigabytes, at=moment(f"{day} 09:30"))
    wrong = an_event(running, storage, "many", at=moment("2026-11-18 11:00"))
    ingest(provider, [wrong], now=moment("2026-11-18 11:00"))
    by, at = an_actor(user, firm), moment("2026-11-10 10:00")
    subscriptions.cancel(leaving, when="period_end", reason="", by=by, at=at)
    subscriptions.cancel(ended, when="now", reason="不用了", by=by, at=at)
    subscriptions.fail(the_request(failed), reason="当地没有网络资源", by=an_actor(), at=at)
    return user, {"running": running, "leaving": leaving, "ended": ended, "failed": failed, "pending": pending}


def _an_office(
    mark: str, live: Offering, drafts: dict[str, Offering], metered: BillLine, payment_id: int, organization_id: int
) -> Side:
    office = the_office()
    user = an_authenticator(a_member(office, accounts.Role.SUPER, user=a_user(email=f"office-{mark}@example.com", name="示例管理员")))
    colleague = an_administrator(office=office, name="示例同事")
    edition = recommended.current_edition(NOVEMBER.first_day) or an_edition()
    entry = recommended.nominate(
        live, edition, reason_zh="小企业用得上，价格写得清楚。", reason_en="Useful and clearly priced.",
        user=colleague, by=an_actor(colleague), at=moment("2026-11-12 10:00"),
    )  # fmt: skip
    db.session.flush()
    an_entry(an_offering(live.provider, slug=f"listed-{mark}"), edition)
    candidate = an_offering(live.provider, slug=f"candidate-{mark}")
    applied = a_provider(name=f"示例申请者 {mark}", status=ProviderStatus.APPLIED, verified_at=None)
    a_licence(applied, valid_until=NOVEMBER.last_day + timedelta(days=20))
    latest = db.session.scalars(audit.events().limit(1)).one()
    transfers = _transfers(payment_id, user, mark)
    return Side(
        user.email,
        {
            "admin.reviews": {"id": drafts["in-review"].revisions[0].id},
            "admin.policies": {"subject": "rules"},
            "admin.recommended": {"id": entry.id},
            "admin.recommended.nominate": {"id": candidate.id},
            "admin.recommended.nominate_form": {"id": candidate.id},
            "admin.providers": {"id": applied.id},
            "admin.organizations": {"id": organization_id},
            "admin.offerings": {"id": live.id},
            "admin.audit": {"id": latest.id},
            "admin.bills": {"id": metered.bill_id, "line": metered.id, "label": "2026-10", "day": "2026-10-15"},
            "admin.payments": {"id": payment_id, "proof_id": payments.proofs_of(payments.payment_by_id(payment_id))[0].id},
            **transfers,
            **_credits(colleague),
            **_dunning(metered.bill_id, colleague),
            "admin.verifications": {"id": _an_applicant(mark).id},
            **a_team(user, "admin", mark),
        },
    )


def _transfers(payment_id: int, user: accounts.User, mark: str) -> Things:
    """A file that is looked at, and a transfer that came under another name than the firm's."""
    code = payments.payment_by_id(payment_id).remittance_code
    kept = an_imported_statement(f"2026-11-09,1.00,,示例老板 {mark},IN-{mark},{code}", user=user)
    line = db.session.scalars(statements.lines_of(kept)).one()
    assert line.organization is not None
    statements.attach(line, line.organization, remember=True, user=user, by=an_actor(user), at=moment("2026-11-19 15:00"))
    db.session.flush()
    [name] = statements.names_of(line.organization)
    looked_at = a_statement(f"2026-11-10,2.00,,不认识的 {mark},NEW-{mark},", "2026-11-10,两元,,坏的,,", user=user)
    return {
        "admin.payments.statements": {"id": looked_at.id},
        "admin.payments.transfers": {"id": line.id, "name_id": name.id},
    }


def _credits(colleague: accounts.User) -> Things:
    """A note whose money is to be paid back, and a large credit that waits for a second person."""
    bill = paid(an_open_bill("900.00"))
    note = a_note(bill, credit_notes.Amount(100), destination=credit_notes.Destination.REFUND, at=moment("2026-11-19 09:30"))
    waiting = a_credit(bill, credit_notes.Amount(60000), user=colleague, at=moment("2026-11-19 09:40"))
    refund = credit_notes.refund_of(note)
    assert refund is not None
    account_id = db.session.scalars(select(ledger.LedgerAccount.id).order_by(ledger.LedgerAccount.id)).first()
    assert account_id is not None
    return {
        "admin.credit_notes": {"id": note.id},
        "admin.ledger": {"id": account_id},
        "admin.credit_notes.proposals": {"id": waiting.id, "bill_id": bill.id},
        "admin.credit_notes.refunds": {"id": refund.id},
        "admin.credit_notes.balances": {"id": a_grant(db.session.get_one(Organization, bill.organization_id), 60000, user=colleague).id},
    }


def _dunning(bill_id: int, colleague: accounts.User) -> Things:
    """A bill past its last day about which something can be done, and a firm whose bills are put off."""
    late = db.session.get_one(Bill, bill_id)
    at = moment("2026-11-20 09:30")
    hold = dunning.hold(an_organization(), until=date(2026, 12, 15), reason="已谈妥付款日期", user=colleague, by=an_actor(colleague), at=at)
    return {
        "admin.dunning": {"id": late.organization_id},
        "admin.dunning.lift": {"id": hold.id},
        "admin.dunning.step": {"id": late.id},
    }


def _an_applicant(mark: str) -> accounts.Verification:
    """A firm that waits to be checked, and one that has been."""
    firms = [an_organization(name=f"示例{word}企业 {mark}", city_code="440100") for word in ("已核验", "待核验")]
    checked, waiting = (an_application(firm, user=a_member(firm), at=moment("2026-11-17 10:00")) for firm in firms)
    office = an_administrator()
    accounts.verify(checked, licence_until=None, user=office, by=an_actor(office), at=moment("2026-11-18 10:00"))
    return waiting


def _a_solution(mark: str, offering: Offering) -> Solution:
    solution = _added(
        Solution(slug=f"solution-{mark}", sector_slug="retail", name_zh="示例门店方案", name_en="Sample shop kit",
                 summary_zh="备份和收款", summary_en="Backup and payments", position=1, parts=[])
    )  # fmt: skip
    solution.parts.append(SolutionPart(offering=offering, reason_zh="保存单据", reason_en="Keeps papers", position=1))
    db.session.flush()
    return solution
