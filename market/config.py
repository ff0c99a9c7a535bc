"""Settings: the only reader of the environment.

`Settings.from_env` either returns settings that can work or raises `ConfigError`, which lists
every problem at once, in words, before anything is started.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from market.environment import Environment

ROOT = Path(__file__).resolve().parent.parent

#: Names of this very machine, under which the server always answers.
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANYWHERE = {"0.0.0.0", "::"}  # noqa: S104  # compared with, not listened on
_HOST = re.compile(r"\.?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_PHONE = re.compile(r"\+?\d(?:[ -]?\d){4,19}")
_HOURS = re.compile(r"(?P<days>Mo-(?:Fr|Sa|Su)) (?P<opens>(?:[01]\d|2[0-3]):[0-5]\d)-(?P<closes>(?:[01]\d|2[0-3]):[0-5]\d|24:00)")


SHORTEST_KEY = 32
MOST_USUAL_WORKERS = 4


class ConfigError(Exception):
    """The settings cannot work; `problems` says each one and how to mend it."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(["The settings cannot work:", *(f"  - {p}" for p in problems)]))


@dataclass(frozen=True)
class Payee:
    """Where buyers transfer money to: the account of the licensed partner that collects."""

    name: str = "粤企云市收款专户（示例）"
    bank: str = "示例银行广州示例支行"
    account: str = "0000 0000 0000 0000"


@dataclass(frozen=True)
class Support:
    """Whom to call about the marketplace itself: a telephone number, and when somebody answers; empty: nobody is named.

    `days` are `Mo-Fr`, `Mo-Sa` or `Mo-Su`, the hours those of Guangdong.
    """

    phone: str = ""
    days: str = ""
    opens: str = ""
    closes: str = ""

    @property
    def dialed(self) -> str:
        """The number as a telephone wants it."""
        return re.sub(r"[^+\d]", "", self.phone)


@dataclass(frozen=True)
class Settings:
    """All settings, checked. Paths are absolute; `data_dir` exists."""

    data_dir: Path
    database_url: str
    secret_key: str = field(repr=False)
    #: Earlier keys: what they signed and encrypted is still read, nothing new is written with them.
    old_secret_keys: tuple[str, ...] = field(default=(), repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = "http://127.0.0.1:8000"
    #: Further names of this server; `.example.com` stands for every name below it.
    hosts: tuple[str, ...] = ()
    #: How many proxies of ours stand in front: so many entries of X-Forwarded-For and -Proto are believed.
    trusted_proxies: int = 0
    #: Where faults in the security of this marketplace are reported: an address as security.txt names it.
    security_contact: str = "mailto:market@example.invalid"
    support: Support = Support()
    site_name_zh: str = "粤企云市"
    site_name_en: str = "Yueqi Cloud Market"
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str = "market@example.invalid"
    payee: Payee = Payee()
    demo: bool = False
    #: How many past months the sample world has lived through.
    demo_months: int = 3
    #: Where the example provider listens; 0 means the port after the server's.
    provider_port: int = 0
    test_clock: bool = False
    stripe_key: str | None = field(default=None, repr=False)
    #: What Stripe signs its news with; without it no news is taken.
    stripe_webhook_secret: str | None = field(default=None, repr=False)
    #: Where Stripe is; tests have one of their own on this machine.
    stripe_url: str = "https://api.stripe.com"
    grace_days: int = 3
    payment_days: int = 15
    #: What the marketplace keeps of a paid sale, as decimal text; what is shared already stays as it was.
    commission_rate: str = "0.05"
    #: A correction of usage that moves a month by more than this needs a second person of the provider.
    correction_yuan: int = 500
    correction_percent: int = 10
    #: A credit of a bill by an administrator of more than this needs a second one.
    credit_yuan: int = 500
    #: A day's usage that nobody has objected to for so long is accepted.
    objection_days: int = 10
    #: `usual_workers` unless the environment says otherwise.
    web_workers: int = 1
    web_threads: int = 16
    log_format: str = "console"
    allow_private_webhooks: bool = True

    @property
    def sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return self.database_url.startswith("sqlite")

    @property
    def secure(self) -> bool:
        """Whether people reach this server over https."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def known_hosts(self) -> frozenset[str]:
        """Every name under which the server answers."""
        return frozenset({*self.hosts, *LOOPBACK, self.host, urlsplit(self.base_url).hostname or ""} - {""})

    @property
    def key_file(self) -> Path:
        """Where the secret key lies when the environment does not say it; earlier keys on the lines below."""
        return self.data_dir / "secret_key"

    @property
    def index_dir(self) -> Path:
        """The folder of the search index."""
        return self.data_dir / "index"

    @property
    def clock_file(self) -> Path:
        """The test clock's file; read only when `test_clock` is on."""
        return self.data_dir / "clock"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read and check the environment. Raises ConfigError with every problem found."""
        return _Reader(env).read()


class _Reader(Environment):
    def read(self) -> Settings:
        data_dir = self.data_dir()
        port = self.number("PORT", 8000, 1, 65535)
        host = self.text("HOST", "127.0.0.1")
        test_clock = self.flag("MARKET_TEST_CLOCK", False)
        demo = self.flag("MARKET_DEMO", False)
        stripe_key = self.env.get("STRIPE_SECRET_KEY", "").strip() or None
        mail_from = self.text("MARKET_MAIL_FROM", Settings.mail_from)
        secret_key, *old_keys = self.secret_keys(data_dir)
        if test_clock and stripe_key and "_live_" in stripe_key:
            self.problems.append(
                "MARKET_TEST_CLOCK=1 stands beside a live payment key: a clock that can be moved must "
                "never charge real money. Unset one of the two."
            )
        database_url = self.database_url(data_dir)
        settings = dict(
            data_dir=data_dir,
            database_url=database_url,
            secret_key=secret_key,
            old_secret_keys=tuple(old_keys),
            host=host,
            port=port,
            base_url=self.base_url(f"http://{f'[{host}]' if ':' in host else host}:{port}"),
            hosts=self.hosts(host),
            trusted_proxies=self.number("MARKET_TRUSTED_PROXIES", 0, 0, 10),
            security_contact=self.security_contact(mail_from),
            support=self.support(),
            site_name_zh=self.text("MARKET_SITE_NAME_ZH", Settings.site_name_zh),
            site_name_en=self.text("MARKET_SITE_NAME_EN", Settings.site_name_en),
            smtp_url=self.smtp_url(),
            mail_from=mail_from,
            payee=Payee(
                name=self.text("MARKET_PAYEE_NAME", Payee.name),
                bank=self.text("MARKET_PAYEE_BANK", Payee.bank),
                account=self.text("MARKET_PAYEE_ACCOUNT", Payee.account),
            ),
            demo=demo,
            provider_port=self.number("PROVIDER_PORT", 0, 0, 65535),
            demo_months=self.number("MARKET_DEMO_MONTHS", 3, 0, 24),
            test_clock=test_clock,
            stripe_key=stripe_key,
            stripe_webhook_secret=self.env.get("STRIPE_WEBHOOK_SECRET", "").strip() or None,
            stripe_url=self.stripe_url(),
            grace_days=self.number("MARKET_GRACE_DAYS", 3, 0, 20),
            payment_days=self.number("MARKET_PAYMENT_DAYS", 15, 0, 90),
            commission_rate=self.percent("MARKET_COMMISSION_PERCENT", Settings.commission_rate),
            correction_yuan=self.number("MARKET_CORRECTION_YUAN", 500, 0, 1_000_000),
            correction_percent=self.number("MARKET_CORRECTION_PERCENT", 10, 0, 100),
            credit_yuan=self.number("MARKET_CREDIT_YUAN", 500, 0, 1_000_000),
            objection_days=self.number("MARKET_OBJECTION_DAYS", 10, 1, 60),
            web_workers=self.number("MARKET_WEB_WORKERS", usual_workers(database_url), 1, 64),
            web_threads=self.number("MARKET_WEB_THREADS", 16, 1, 256),
            log_format=self.choice("MARKET_LOG_FORMAT", "console", ("console", "json")),
            allow_private_webhooks=self.flag("MARKET_ALLOW_PRIVATE_WEBHOOKS", demo or test_clock),
        )
        if self.problems:
            raise ConfigError(self.problems)
        return Settings(**settings)  # type: ignore[arg-type]  # checked field by field above

    def data_dir(self) -> Path:
        folder = Path(self.text("MARKET_DATA_DIR", str(ROOT / "var"))).expanduser().resolve()
        self._try(folder, lambda: folder.mkdir(mode=0o700, parents=True, exist_ok=True))
        if folder.is_dir() and not os.access(folder, os.W_OK):
            self.problems.append(f"MARKET_DATA_DIR: {folder} cannot be written to.")
        return folder

    def database_url(self, data_dir: Path) -> str:
        raw = self.text("DATABASE_URL", f"sqlite:///{data_dir / 'market.db'}")
        try:
            url = make_url(raw)
        except ArgumentError:
            self.problems.append(
                "DATABASE_URL is not a database address such as postgresql://user:password@host/name."
            )
            return raw
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        if url.drivername not in ("sqlite", "postgresql+psycopg"):
            self.problems.append(
                f"DATABASE_URL: {url.drivername} is not supported: use sqlite or postgresql."
            )
        if url.drivername == "sqlite" and url.database in (None, "", ":memory:"):
            self.problems.append(
                "DATABASE_URL: several processes share the database, so SQLite needs a file."
            )
        return url.render_as_string(hide_password=False)

    def secret_keys(self, data_dir: Path) -> list[str]:
        """The key and the earlier ones: from the environment, or the file made once in the data folder."""
        key, old = self.env.get("MARKET_SECRET_KEY", ""), self.words("MARKET_OLD_SECRET_KEYS")
        if any(len(each) < SHORTEST_KEY for each in (key, *old) if each):
            self.problems.append(
                "MARKET_SECRET_KEY or one of MARKET_OLD_SECRET_KEYS is too short: use at least 32 random characters."
            )
        if key:
            return [key, *old]
        path = data_dir / "secret_key"
        self._try(path, lambda: _write_once(path, new_secret_key()))
        kept = path.read_text().split() if path.is_file() else []
        if not kept:
            self.problems.append(f"{path} holds no key. Put back the one from a backup, or set MARKET_SECRET_KEY.")
        return [*(kept or [""]), *old]

    def hosts(self, listening: str) -> tuple[str, ...]:
        """Further names; where the server listens everywhere and nobody has named it, those the machine has."""
        names = [name.lower() for name in self.words("MARKET_HOSTS")]
        for name in names:
            if not (_HOST.fullmatch(name) or _is_address(name)):
                self.problems.append(
                    f"MARKET_HOSTS: {name!r} is not a name such as market.example or .example.com: no scheme, no port."
                )
        if names or listening not in _ANYWHERE or self.env.get("MARKET_BASE_URL"):
            return tuple(names)
        return _names_of_this_machine()

    def security_contact(self, mail_from: str) -> str:
        raw = self.text("MARKET_SECURITY_CONTACT", f"mailto:{mail_from}")
        if "@" in raw and ":" not in raw:
            raw = f"mailto:{raw}"
        if not raw.startswith(("mailto:", "https://", "tel:")) or not raw.isprintable() or " " in raw:
            self.problems.append(
                f"MARKET_SECURITY_CONTACT={raw!r} is not an address such as security@market.example or https://…."
            )
        return raw

    def support(self) -> Support:
        phone, hours = self.env.get("MARKET_SUPPORT_PHONE", "").strip(), self.env.get("MARKET_SUPPORT_HOURS", "").strip()
        if phone and not _PHONE.fullmatch(phone):
            self.problems.append(f"MARKET_SUPPORT_PHONE={phone!r} is not a telephone number such as 020-12345678 or +86 20 1234 5678.")
        if not hours:
            return Support(phone)
        found = _HOURS.fullmatch(hours)
        if not found or found["opens"] >= found["closes"]:
            self.problems.append(
                f"MARKET_SUPPORT_HOURS={hours!r} is not like Mo-Fr 09:00-18:00: Mo-Fr, Mo-Sa or Mo-Su, then from when to when."
            )
            return Support(phone)
        if not phone:
            self.problems.append("MARKET_SUPPORT_HOURS says when somebody answers, but MARKET_SUPPORT_PHONE is not set.")
        return Support(phone, found["days"], found["opens"], found["closes"])

    def base_url(self, default: str) -> str:
        raw = self.text("MARKET_BASE_URL", default).rstrip("/")
        if urlsplit(raw).scheme not in ("http", "https") or not urlsplit(raw).hostname:
            self.problems.append(f"MARKET_BASE_URL={raw!r} is not an address such as https://market.example.")
        return raw

    def stripe_url(self) -> str:
        """Stripe's own address, or a double of it on this very machine: the key goes nowhere else."""
        raw = self.text("STRIPE_URL", Settings.stripe_url).rstrip("/")
        parts = urlsplit(raw)
        if raw != Settings.stripe_url and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            self.problems.append(f"STRIPE_URL={raw!r} is neither {Settings.stripe_url} nor on this machine, such as http://127.0.0.1:12111.")
        return raw

    def smtp_url(self) -> str | None:
        raw = self.env.get("MARKET_SMTP_URL", "").strip()
        if not raw:
            return None
        if urlsplit(raw).scheme not in ("smtp", "smtps") or not urlsplit(raw).hostname:
            self.problems.append("MARKET_SMTP_URL is not an address such as smtp://user:password@host:587.")
        return raw

    def _try(self, path: Path, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as error:
            self.problems.append(f"{path}: {error.strerror or error}.")


def new_secret_key() -> str:
    """A random key, longer than anybody can guess."""
    return secrets.token_urlsafe(48)


def usual_workers(database_url: str) -> int:
    """How many server processes are started unless the environment says otherwise.

    One process uses one core and a little, so PostgreSQL gets one for each core, four at most for the sake of memory.
    SQLite has one writer; a second process would mostly wait for the first.
    """
    return 1 if database_url.startswith("sqlite") else min(os.cpu_count() or 1, MOST_USUAL_WORKERS)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _names_of_this_machine() -> tuple[str, ...]:
    name = socket.gethostname()
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        found = []
    return tuple(dict.fromkeys([name.lower(), *(str(info[4][0]).partition("%")[0] for info in found)]))


def _write_once(path: Path, text: str) -> None:
    """Two processes may start at once: the first to create the file decides."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(text)
