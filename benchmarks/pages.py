"""`pages`: how long the pages of the main path take, what they ask the database, how large they are."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from benchmarks.client import CPU_MILLISECONDS, STATEMENTS, Answer, Client
from benchmarks.figures import Figure, Reference, middle, percentile
from benchmarks.place import Place, bar, place, served
from market import billing, credentials, db, demo, resources
from market.accounts import user_by_email
from market.config import ROOT
from market.demo import cast

SIZES = (1_000, 10_000, 50_000)
REQUESTS = 40
_WARM_UP = 3
_KILOBYTE = 1024
#: One congestion window of a new connection: what fits arrives without a second round trip.
FIRST_WINDOW_KB = 14.0
FRAGMENT = {"HX-Request": "true", "HX-Target": "est"}

#: Catalogue pages of others with 1,000 listings, each tuned and with one worker on 2 cores; another run.
OSCAR = Reference("django-oscar 4.2, catalogue", 268, elsewhere=True)
WALDUR = Reference("Waldur, 10 public offerings", 302, elsewhere=True)


@dataclass(frozen=True)
class Page:
    """One page: who looks at it and how long it may take (milliseconds, 95th percentile)."""

    name: str
    path: str
    target: float
    visitor: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    peers: tuple[Reference, ...] = ()
    #: How long the server may work for it (milliseconds, median), by the number of listings.
    server: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Timed:
    """What was measured on one page, and on the limit in between."""

    page: Page
    answers: Sequence[Answer]
    limit: Sequence[float]

    @property
    def milliseconds(self) -> list[float]:
        """As the visitor waits: with everything else the machine does meanwhile."""
        return [answer.milliseconds for answer in self.answers]

    @property
    def processor(self) -> list[float]:
        """What the server worked for it: hardly moves when the machine is busy."""
        return [float(answer.headers[CPU_MILLISECONDS]) for answer in self.answers]


_LISTING = "/offerings/made-1-1"
CALCULATOR = f"{_LISTING}?plan=monthly"
LIST = {1_000: 10.0, 50_000: 25.0}
STOREFRONT = (
    Page("home", "/", 200),
    Page("list by category", "/offerings/?category=storage", 200, peers=(OSCAR, WALDUR), server=LIST),
    Page("list, searched", f"/offerings/?q={quote('仓库 库存')}", 200),
    Page("offering", _LISTING, 150, server={1_000: 6.0}),
    Page("calculator fragment", CALCULATOR, 150, headers=FRAGMENT),
    Page("order check page", f"{_LISTING}/subscribe", 150, visitor="sme"),
)


def desks(bill_id: int) -> tuple[Page, ...]:
    """The pages behind a sign-in."""
    return (
        Page("console overview", "/console/", 300, visitor="sme"),
        Page("console subscriptions", "/console/subscriptions/", 300, visitor="sme"),
        Page("console usage", "/console/usage/", 300, visitor="sme"),
        Page("console bills", "/console/bills/", 300, visitor="sme"),
        Page("console one bill", f"/console/bills/{bill_id}", 300, visitor="sme"),
        Page("bill as PDF", f"/console/bills/{bill_id}/bill.pdf", 1_000, visitor="sme"),
        Page("vendor offerings", "/vendor/offerings/", 300, visitor="provider_telecom"),
        Page("vendor events", "/vendor/events/", 300, visitor="provider_telecom"),
        Page("admin reviews", "/admin/reviews/", 300, visitor="administrator"),
    )


def run(*, quick: bool = False) -> Iterator[Figure]:
    """Measure at both sizes of the catalogue; the pages behind a sign-in at the larger one only."""
    sizes, requests, months = ((20,), 2, 1) if quick else (SIZES, REQUESTS, 2)
    with place(months=months) as here, served("benchmarks.hello:app", here.folder, {}) as limit:
        counts: dict[str, int] = {}
        for size in sizes:
            here.fill(size)
            pages = STOREFRONT + (desks(_bill(here)) if size == sizes[-1] else ())
            for timed in _measure(here, limit, pages, requests):
                yield from _figures(timed, size, counts)
    yield Figure(
        "app.css, gzipped", _zipped((ROOT / "static/css/app.css").read_bytes()), "KB", FIRST_WINDOW_KB
    )


def _bill(here: Place) -> int:
    with db.transaction(readonly=True):
        email = next(person.email for person in demo.PEOPLE if person.key == "sme")
        user = user_by_email(email)
        assert user is not None, "the sample world has no owner"
        return db.session.scalars(billing.bills_of(cast.firm_of(user)).limit(1)).one().id


def _measure(here: Place, limit: str, pages: Sequence[Page], requests: int) -> Iterator[Timed]:
    with (
        served("benchmarks.counted:app", here.folder, here.environment, ready="/healthz") as address,
        bar("pages", len(pages) * requests, "request") as shown,
    ):
        visitors = _visitors(address, {page.visitor for page in pages})
        hello = Client(limit)
        for page in pages:
            client, answers, limits = visitors[page.visitor], [], []
            for _ in range(min(_WARM_UP, requests - 1)):
                client.get(page.path, page.headers)
            for _ in range(requests):
                answers.append(client.get(page.path, page.headers))
                limits.append(hello.get("/").milliseconds)
                shown.update()
            yield Timed(page, answers, limits)


def _visitors(address: str, keys: set[str]) -> dict[str, Client]:
    visitors = {key: Client(address) for key in keys}
    for person in demo.PEOPLE:
        if person.key in visitors:
            secret = person.totp_secret
            code = credentials.authenticators.code_at(secret, resources.clock.now()) if secret else ""
            visitors[person.key].sign_in(person.email, demo.PASSWORD, code=code)
    return visitors


def _figures(timed: Timed, size: int, counts: dict[str, int]) -> Iterator[Figure]:
    """Times, then the statements (which must not grow with the catalogue), then the size."""
    page = timed.page
    name = f"{page.name}, {size:,} listings" if page in STOREFRONT else page.name
    half = middle(timed.milliseconds)
    yield Figure(f"{name}: p50", half, "ms", reference=Reference("Flask hello", middle(timed.limit)))
    for peer in page.peers if size <= SIZES[0] else ():
        yield Figure(f"{name}: p50", half, "ms", reference=peer)
    yield Figure(
        f"{name}: p95", percentile(timed.milliseconds, 95), "ms", page.target,
        reference=Reference("Flask hello", percentile(timed.limit, 95)),
    )  # fmt: skip
    yield Figure(f"{name}: processor time, p50", middle(timed.processor), "ms", page.server.get(size))
    last = timed.answers[-1]
    sent = int(last.headers[STATEMENTS])
    yield Figure(f"{name}: SQL statements", sent, "", counts.setdefault(page.name, sent))
    if "pdf" not in last.headers["Content-Type"]:
        yield Figure(f"{name}: HTML, gzipped", _zipped(last.body), "KB", FIRST_WINDOW_KB)


def _zipped(content: bytes) -> float:
    return len(gzip.compress(content, 6)) / _KILOBYTE
