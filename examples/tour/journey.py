"""The main job, step by step: register, subscribe, store files for a month, get the bill, check it, pay it."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pyotp

from examples.tour import page as pages
from examples.tour import reckoning
from examples.tour.storage import Storage
from examples.tour.visitor import Surprise, Visitor, patiently
from examples.tour.world import ROOT, World

GUANGDONG = ZoneInfo("Asia/Shanghai")
OFFERING, PLAN = "example-object-storage", "payg"
#: A firm with a code that passes both check digits and belongs to nobody.
FIRM = {
    "organization_name": "示例游历商贸有限公司",
    "code": "91440106MA00000314",
    "city_code": "440100",
    "name": "示例游客",
    "email": "tour@visitor.example",
    "password": "a walk through the market",
}
_WAIT_SECONDS = 240.0


@dataclass(frozen=True)
class Checked:
    """One line of the bill: what it says, and what we say."""

    label: str
    formula: str
    billed_fen: int
    our_working: str
    our_fen: int

    @property
    def agrees(self) -> bool:
        """Whether both are the same to the fen."""
        return self.billed_fen == self.our_fen


def until(world: World, what: str, done: Callable[[], bool], *, tick: float = 1.0) -> None:
    """Look again until it is so; the world's clock goes on a little, as retries are due by it."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise Surprise(f"waited {_WAIT_SECONDS:.0f} s for: {what}")
        time.sleep(0.25)
        world.advance(tick)


def register(world: World) -> Visitor:
    """Open an account for a new firm, through the pages."""
    visitor = Visitor(world)
    visitor.go("/register")
    visitor.submit(**FIRM, agree="y")
    link = _letter_with_link(world, visitor)
    try:
        visitor.go(link)
    except Surprise:
        # The answer may have been lost on the way although she is registered by now.
        sign_in(visitor, FIRM["email"], FIRM["password"])
    return visitor


def _letter_with_link(world: World, visitor: Visitor) -> str:
    """No mail leaves this world: its letter is read on a page, once the worker has written it."""
    found: list[str] = []

    def written() -> bool:
        visitor.go("/register/letter")
        with suppress(Surprise):
            found.append(visitor.link(r"/finish-registration/[\w-]+"))
        return bool(found)

    until(world, "the letter with the link", written)
    return found[0]


def sign_in(visitor: Visitor, email: str, password: str) -> None:
    """Sign in through the page for it."""
    visitor.go("/sign-in")
    visitor.submit(email=email, password=password)


def sign_in_with_code(world: World, visitor: Visitor, person: Mapping[str, str]) -> None:
    """The same for an administrator, who also types in what her authenticator app shows."""
    app = pyotp.TOTP(person["totp_secret"])
    sign_in(visitor, person["email"], person["password"])
    while visitor.path.startswith("/sign-in/second-step"):
        with suppress(Surprise):
            visitor.submit(code=app.at(world.now()))
            return
        # The answer was lost on the way, and a code works once: the next one comes in half a minute.
        world.advance(app.interval)
        visitor.go("/sign-in/second-step")


def subscribe(world: World, visitor: Visitor) -> str:
    """From the list to a running subscription; returns the address of its page in the console."""
    visitor.go("/offerings?category=storage")
    visitor.go(visitor.link(f"/offerings/{OFFERING}"))
    visitor.go(f"/offerings/{OFFERING}/subscribe?plan={PLAN}&storage=3600&requests=6000&egress=2")
    visitor.submit("request_key", agree="y", confirm="1")
    address = visitor.link(r"/console/subscriptions/\d+")

    def active() -> bool:
        return any(True for _ in visitor.go(address).all("code", **{"data-copy-text": ""}))

    until(world, "the subscription to be set up", active, tick=5.0)
    return address


def access(visitor: Visitor, address: str) -> dict[str, str]:
    """Endpoint and credentials, as the subscription's page shows them."""
    found: dict[str, str] = {}
    for box in visitor.go(address).all("div", **{"class": "copy"}):
        label, value = box.first("span"), box.first("code")
        if label and value:
            found[label.attributes.get("data-key") or label.text] = value.text
    return found


@dataclass(frozen=True)
class Source:
    """A file to store: its name in the bucket, and its bytes as they were when the tour began."""

    name: str
    content: bytes = field(repr=False)


def sources(scratch: Path, limit: int | None = None) -> list[Source]:
    """This repository's own files, and its whole history as one."""
    found = [Source(str(path.relative_to(ROOT)), path.read_bytes()) for path in _tracked()[:limit]]
    bundle = scratch / "history.bundle"
    made = _git("bundle", "create", "--quiet", str(bundle), "HEAD")
    return [*found, Source(bundle.name, bundle.read_bytes())] if made.returncode == 0 else found


def _tracked() -> list[Path]:
    names = [name for name in _git("ls-files", "-z").stdout.decode().split("\0") if name]
    paths = [ROOT / name for name in names] or sorted((ROOT / "market").rglob("*.py"))
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)  # noqa: S607  # git is where it is


def store(world: World, storage: Storage, files: list[Source], *, days: int, seed: int) -> Iterator[str]:
    """A copy of all files each day; some are fetched and compared, copies of two days ago are deleted.

    Time passes between the steps, by a whole number of seconds each. Yields after each step.
    """
    dice = random.Random(seed)  # noqa: S311  # a seed makes a run repeatable
    for day in range(1, days + 1):
        for file in files:
            world.advance(dice.randint(1, 9))
            storage.put(f"day-{day}/{file.name}", file.content)
            yield f"put {file.name}"
        for file in (*dice.sample(files, min(20, len(files))), files[-1]):
            world.advance(dice.randint(1, 60))
            if storage.get(f"day-{day}/{file.name}") != file.content:
                raise Surprise(f"{file.name} came back different")
        for file in files if day > 2 else ():
            world.advance(dice.randint(1, 4))
            storage.delete(f"day-{day - 2}/{file.name}")
            yield f"delete {file.name}"
        storage.names()
        world.advance(24 * 3600)


def month_after(at: datetime) -> datetime:
    """The first instant of the next local month."""
    local = at.astimezone(GUANGDONG)
    return (local.replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )


def close_month(world: World, visitor: Visitor, storage: Storage) -> str:
    """Let the month and the days of grace pass; returns the address of the bill."""
    end = month_after(world.now())
    world.move_to(end + timedelta(minutes=1))
    until(world, "the provider to report everything", storage.reported)
    world.move_to(end + timedelta(days=3, hours=1))
    sign_in(visitor, FIRM["email"], FIRM["password"])  # no session lasts a month

    def billed() -> bool:
        return f"BL-{(end - timedelta(days=1)):%Y%m}-" in visitor.go("/console/bills/").text

    until(world, "the bill", billed)
    return visitor.link(r"/console/bills/\d+")


def price_list(world: World) -> list[dict[str, Any]]:
    """The plan's charges, from the public catalogue."""
    key = world.demo["provider"]["api_key"]
    url, headers = f"{world.address}/api/v1/offerings", {"Authorization": f"Bearer {key}"}
    found: list[dict[str, Any]] = []
    while url:
        answer = patiently(world, partial(httpx.get, url, headers=headers, timeout=30, trust_env=False))
        answer.raise_for_status()
        body = answer.json()
        for offering in body["data"] if isinstance(body, dict) else body:
            for plan in offering["plans"]:
                if offering["slug"] == OFFERING and plan["slug"] == PLAN:
                    found = plan["charges"]
        url = str(httpx.URL(url).join(answer.links["next"]["url"])) if "next" in answer.links else ""
    return found


def check(world: World, visitor: Visitor, storage: Storage, bill: str, *, until_: datetime) -> list[Checked]:
    """Compare every line of the bill with our own record."""
    billed = _lines(visitor.go(bill))
    used = storage.ledger.quantities(until_)
    checked = []
    for charge in price_list(world):
        label = str(charge["name_zh"])
        fen, working = reckoning.price(charge["terms"], used[str(charge["meter"])])
        formula, amount = billed.get(label, ("not on the bill", -1))
        checked.append(Checked(label, formula, amount, working, fen))
    total = sum(line.our_fen for line in checked)
    checked.append(Checked("合计", "", _total(visitor.page), "sum of the lines", total))
    return checked


def _lines(bill: pages.Element) -> dict[str, tuple[str, int]]:
    """Charge → (formula, fen including tax) of each line of a bill's page."""
    found = {}
    for row in bill.all("tr"):
        name, cells = row.first("small"), list(row.all("td"))
        if name and len(cells) == 4:
            found[name.text.partition(" · ")[0]] = (cells[0].text, _fen(cells[-1].text))
    return found


def _total(bill: pages.Element) -> int:
    for row in bill.all("tr"):
        head, cells = row.first("th"), list(row.all("td"))
        if head and cells and head.text.startswith("应付合计"):
            return _fen(cells[-1].text)
    raise Surprise("the bill has no total")


def _fen(amount: str) -> int:
    return int(amount.replace(",", "").replace(".", ""))


def pay(world: World, visitor: Visitor, bill: str, amount_fen: int) -> None:
    """Transfer the money, have an administrator see it arrive, and find the bill paid."""
    visitor.go(bill)
    visitor.submit()  # to the transfer's details
    visitor.submit()  # "I have transferred it"
    office = Visitor(world)
    administrator = world.demo["sign_ins"]["administrator"]
    sign_in_with_code(world, office, administrator)
    office.go("/admin/payments/")
    office.go(office.link(r"/admin/payments/\d+"))
    office.submit(
        amount_fen=f"{amount_fen / 100:.2f}",
        payer_name=FIRM["organization_name"],
        bank_reference=f"TOUR{world.port}",
        arrived_on=world.now().astimezone(GUANGDONG).date().isoformat(),
    )
    office.close()
    if "已付清" not in visitor.go(bill).text:
        raise Surprise("the bill is not paid although the money has arrived")
