"""Every page of every face, in both languages, for people who have everything and people who have nothing.

The client checks each answer as a page: one h1 that the title repeats, labels, CSRF tokens, no dead links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest
from flask import Flask

from market import db
from market.accounts.models import OrganizationKind
from market.providers.models import ProviderStatus
from tests.builders.accounts import PASSWORD, a_member, a_user, an_administrator, an_organization
from tests.builders.catalog import a_provider
from tests.builders.worlds import World
from tests.support.addresses import Route, routes
from tests.support.client import Client

#: Answers that are no HTML, by the end of the address; they only have to answer.
FILES = (".pdf", ".csv", ".json", ".txt", ".xml", "/healthz", "/document", ".ndjson")
#: Evidence: `/bills/1/lines/2/events`, a sheet or NDJSON.
EVIDENCE = re.compile(r"/(bills/\d+|events)/lines/\d+/events")
#: What a page's address may ask for beside the page itself.
QUERIES = {
    "storefront.register.show": ["industry=construction&revenue_fen=90", "industry=none&staff=x&code=9144"],
    "console.organization.edit": ["industry=software&staff=120&revenue_fen=900"],
    "admin.verifications.index": ["show=decided"],
    "admin.providers.index": ["show=recheck"],
    "storefront.offerings.index": ["q=备份", "q=没有这种东西", "category=storage", "category=none", "trial=1&cert=djbh3", "sort=price", "page=7"],
    "storefront.compare.index": [
        "s=backup-one&s=backup-one", "s=backup-one&s=listed-one&p.backup-one=none", "s=backup-one&s=listed-one&s=candidate-one&s=none&only=1", "s=backup-one&s=listed-one&use=mine&of=x",
    ],
    "storefront.compare_file.show": ["s=backup-one&s=listed-one"],
    "storefront.providers.index": ["city=440100", "city=none&page=9"],
    "storefront.offerings.show": ["plan=yearly", "plan=none", "plan=basic&storage-one-per-unit=1e99"],
    "storefront.subscribe.show": ["plan=yearly", "plan=none"],
    "console.usage.index": ["month=2026-10", "month=1999-01", "by=hour&day=2026-11-18", "by=month"],
    "console.bills.index": ["page=9"],
    "console.subscriptions.index": ["page=9", "show=ended"],
    "console.subscriptions.changes.show": ["plan=1&quantity=x", "plan=none&on=never&until=x&when=x"],
    "admin.payments.index": ["show=arrived", "code=NOTHING"],
    "admin.payments.transfers.index": ["show=proposed", "show=done"],
    "admin.payments.transfers.show": ["firm=示例"],
    "admin.reviews.show": ["comment=tagline_zh"],
    "admin.audit.index": ["about=bill&q=x", "from=2026-11-30&until=2026-11-01", "from=never"],
    "admin.organizations.index": ["kind=provider", "kind=none&q=x"],
    "vendor.lines.index": ["month=2026-10&kind=charge&state=issued&offering=x", "month=all&q=%25&page=9"],
    "vendor.customers.index": ["page=9", "q=%25&state=none&offering=x"],
    "vendor.events.index": ["type=x&subscription=sub_x&id=x", "from=2026-11-30&until=2026-11-01", "from=never&after=x"],
    "vendor.events.refused.index": ["all=1", "code=not_a_number&id=x&before=9", "code=none&before=x"],
    "vendor.events.files.index": ["page=9"],
    "vendor.events.first.show": ["in=python", "in=none&for=real"],
}
ANSWERS = {200, 204, 422}
#: The language of a page is none of the database's business: on the second one the pages are asked for in one.
LANGUAGES = {"sqlite": ("zh", "en"), "postgresql": ("zh",)}
FACES = ("storefront", "account", "console", "vendor", "admin")


def pages(app: Flask, *faces: str) -> Iterator[Route]:
    """The pages that are fetched, not sent."""
    for route in routes(app, method="GET"):
        if route.face in faces:
            yield route


def look(client: Client, addresses: Sequence[str]) -> list[str]:
    """Fetch all of them in every language; tells what did not answer, or in the wrong language."""
    wrong = []
    for language in LANGUAGES[db.engine().dialect.name]:
        client.set_cookie("lang", language)
        for address in addresses:
            try:
                answer = client.get(address, follow_redirects=True)
            except AssertionError as complaint:
                wrong.append(str(complaint))
                continue
            if answer.status_code not in ANSWERS:
                wrong.append(f"GET {address}: {answer.status}")
            elif not address.partition("?")[0].endswith(FILES) and not EVIDENCE.search(address):
                tag = {"zh": '<html lang="zh-CN"', "en": '<html lang="en"'}[language]
                if answer.mimetype != "text/html" or tag not in answer.get_data(as_text=True):
                    wrong.append(f"GET {address}: {answer.mimetype}, not in {language}")
    return wrong


def signed_in(app: Flask, email: str) -> Client:
    client = app.test_client()
    assert isinstance(client, Client)
    if email:
        client.sign_in(email, PASSWORD)
    return client


@pytest.mark.parametrize("face", FACES)
def test_every_page_of_a_busy_marketplace(app: Flask, world: World, face: str) -> None:
    visits: dict[str, list[str]] = {}
    for route in pages(app, face):
        who = world.visitor(route.endpoint)
        found = visits.setdefault(who.email if who else "", [])
        for values in world.every(route.endpoint):
            missing = set(route.arguments) - set(values)
            assert not missing, f"{route.rule}: tests/builders/worlds.py has no {missing} for {route.endpoint}"
            found.append(route.address(values))
        found += [f"{found[-1]}?{query}" for query in QUERIES.get(route.endpoint, [])]
    wrong = [one for email, found in visits.items() for one in look(signed_in(app, email), found)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("face", FACES)
def test_every_page_while_there_is_nothing_yet(app: Flask, face: str) -> None:
    client = signed_in(app, newcomer(face))
    addresses = [route.address({}) for route in pages(app, face) if not route.arguments]
    # The office cannot nominate anything before there is an edition, and says so.
    addresses = [address for address in addresses if address != "/admin/recommended/candidates"]
    assert not (wrong := look(client, addresses)), "\n".join(wrong)


def newcomer(face: str) -> str:
    """The address of somebody whose account was opened just now; none for the storefront."""
    with db.transaction():
        if face in ("account", "console"):
            return a_member(an_organization()).email
        if face == "vendor":
            organization = an_organization(kind=OrganizationKind.PROVIDER)
            a_provider(organization=organization, status=ProviderStatus.APPLIED, verified_at=None)
            return a_member(organization, user=a_user()).email
        if face == "admin":
            return an_administrator().email
    return ""


def test_the_storefront_for_a_firm_that_has_bought_nothing(app: Flask, world: World) -> None:
    with db.transaction():
        email = a_member(an_organization()).email
    open_to_all = [route for route in pages(app, "storefront") if world.visitor(route.endpoint) is not world.seller]
    addresses = [route.address(world.known(route.endpoint)) for route in open_to_all if not route.endpoint.endswith(".done")]
    assert not (wrong := look(signed_in(app, email), addresses)), "\n".join(wrong)
