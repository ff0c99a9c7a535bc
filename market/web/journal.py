"""The pages of the trail, which the console, the vendor face and the administration share.

Filters are in the address, long lists are paged by place rather than by number, and every row has a page of its own.
What somebody of another organization did is told as that organization's: her name and address are not this one's to
know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from urllib.parse import urlencode

from flask import Response, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from market import accounts, audit, db
from market.accounts import Organization
from market.audit import AuditEvent
from market.errors import NotFound
from market.kit import period
from market.providers import Provider
from market.web import formats, sheets, trail
from market.web.changes import Change, changes
from market.web.locale import here_with
from market.web.subjects import LOOKUPS

SIZE = 30
#: What the address calls one kind of thing and actions call by several words.
TOGETHER = {
    "user": (
        "user", "session", "authenticator", "passkey", "second_step", "recovery_code", "recovery_codes",
    ),
    "bill": ("bill", "bills"),
    "fapiao": ("fapiao", "fapiao_title"),
    "organization": ("organization", "document"),
    "usage": ("usage", "usage_upload", "refused_event"),
}  # fmt: skip
#: Who acted, in the address, when it was one of the market's own programs.
SYSTEM = "system"
_LONGEST_NUMBER = 18
_LINES_AT_ONCE = 200


@dataclass(frozen=True)
class Asked:
    """What the address asks for: `?about=bill&who=7&q=名称&from=2026-11-01&until=2026-11-30`."""

    kinds: Mapping[str, object]
    about: str
    who: str
    words: str
    first: date | None
    last: date | None

    @property
    def anything(self) -> bool:
        """Whether the list is narrowed at all."""
        return bool(self.about or self.who or self.words or self.first or self.last)

    @property
    def file_url(self) -> str:
        """The file with the same filters."""
        wanted = {"about": self.about, "who": self.who, "q": self.words, "from": self.first, "until": self.last}
        return f"{url_for('.export')}?{urlencode({name: value for name, value in wanted.items() if value})}".rstrip("?")

    def narrowed(self, organization_id: int | None = None) -> audit.Narrowed:
        """The same for the trail."""
        actor = 0 if self.who == SYSTEM else (int(self.who) if self.who else None)
        kinds = TOGETHER.get(self.about, (self.about,)) if self.about else ()
        return audit.Narrowed(organization_id, kinds, actor, self.words, self._period())

    def _period(self) -> period.Period | None:
        if self.first is None and self.last is None:
            return None
        first, last = self.first or date(2000, 1, 1), self.last or date(2999, 12, 31)
        return period.days(min(first, last), max(first, last))


@dataclass(frozen=True)
class Reader:
    """Who reads, and what things are called and where they are seen on her side."""

    #: None for the office, which reads everything as it is.
    organization_id: int | None
    subject_url: Callable[[AuditEvent], str | None]

    def owns(self, event: AuditEvent) -> bool:
        """Whether it was done in the reader's own name, so that all of it is hers to know."""
        return self.organization_id is None or event.acting_for_id == self.organization_id


class Names:
    """What organizations and the things of the trail are called, learned for many rows at once."""

    def __init__(self) -> None:
        self._organizations: dict[int | None, str] = {}
        self._things: dict[str, dict[int, str]] = {kind: {} for kind in LOOKUPS}

    def learn(self, events: Iterable[AuditEvent], reader: Reader) -> Names:
        """Look up what these rows mention and is not known yet: one query for each kind of thing."""
        events = list(events)
        others = {e.acting_for_id for e in events if reader.organization_id is None or not reader.owns(e)} - {None}
        if unknown := others - self._organizations.keys():
            self._organizations |= dict.fromkeys(unknown, "") | _organizations(unknown)
        for kind, known in self._things.items():
            mentioned = {e.subject_id for e in events if e.subject_type == kind and e.subject_id is not None}
            if new := mentioned - known.keys():
                known |= dict.fromkeys(new, "") | LOOKUPS[kind](new)
        return self

    def acting_for(self, event: AuditEvent) -> str:
        """In whose name it was done."""
        return self._organizations.get(event.acting_for_id or 0, "")

    def about(self, event: AuditEvent) -> str:
        """Whom or what it was done to: a subscription by the name of its service, not by its number."""
        return self._things.get(event.subject_type, {}).get(event.subject_id or 0) or trail.subject(event)


@dataclass(frozen=True)
class Entry:
    """A row in words: who, for whom, did what, to which, why, from where."""

    event: AuditEvent
    actor: str
    acting_for: str
    title: str
    about: str
    about_url: str | None
    reason: str
    address: str


@dataclass(frozen=True)
class Stretch:
    """Some rows of a long list, and the addresses of those before and after."""

    entries: Sequence[Entry]
    newer: str | None
    older: str | None


@dataclass(frozen=True)
class Opened:
    """One row for good: in words, what it changed, its seal, and the row itself."""

    entry: Entry
    changes: Sequence[Change]
    link: audit.AuditLink | None
    #: The row as JSON; to its owner and the office exactly the text that was hashed.
    raw: str
    sealed_text: bool


def asked(kinds: Mapping[str, object]) -> Asked:
    """The filters of this address; what makes no sense is as good as none."""
    about, who = request.args.get("about", ""), request.args.get("who", "")
    number = who.isascii() and who.isdigit() and len(who) <= _LONGEST_NUMBER and int(who) > 0
    words = request.args.get("q", "").strip()[:60].replace("\x00", "")
    return Asked(
        kinds, about if about in kinds else "", who if number or who == SYSTEM else "", words, _day("from"), _day("until")
    )


def stretch(narrowed: audit.Narrowed, reader: Reader) -> Stretch:
    """The rows that the address asks for with `?before=` or `?after=` a row's number; else the newest."""
    before, after = _row("before", reader), _row("after", reader)
    found = list(audit.newest(SIZE + 1, narrowed, before=before, after=None if before else after))
    more = len(found) > SIZE
    if after and not before:
        found, older, newer = found[-SIZE:], bool(found), more
    else:
        found, older, newer = found[:SIZE], more, before is not None
    return Stretch(
        entries(found, reader),
        here_with(before=None, after=found[0].id) if newer and found else None,
        here_with(before=found[-1].id, after=None) if older and found else None,
    )


def entries(events: Sequence[AuditEvent], reader: Reader) -> list[Entry]:
    """Rows in words."""
    names = Names().learn(events, reader)
    return [_entry(event, reader, names) for event in events]


def opened(event: AuditEvent, reader: Reader) -> Opened:
    """One row's page."""
    (entry,) = entries([event], reader)
    found = changes(event, office=reader.organization_id is None)
    whole = reader.owns(event)
    sides = {"action": event.action, "before": event.before, "after": event.after} if found else {"action": event.action}
    raw = audit.sealed_text(event) if whole else json.dumps(sides, ensure_ascii=False, indent=2)
    return Opened(entry, found, audit.link_of(event), raw, whole)


def file(narrowed: audit.Narrowed, reader: Reader) -> Response:
    """All rows that the address asks for as a CSV file, in the reader's language, times in Guangdong."""
    head = [
        _("编号"), _("时间"), _("操作人"), _("代表"), _("做了什么"), _("代号"), _("对象"), _("原因"), _("来源地址"),
        _("改动前"), _("改动后"),
    ]  # fmt: skip
    return sheets.sheet("audit.csv", head, _lines(audit.every(narrowed), reader))


def people(organization: Organization, who: str) -> list[tuple[str, str]]:
    """Whom the list can be narrowed to: the members, the market's programs, and whoever is asked for."""
    found = [(str(each.user_id), each.user.name) for each in accounts.members_of(organization)]
    if who and who != SYSTEM and who not in dict(found):
        found.append((who, _("以前的成员")))
    return [*found, (SYSTEM, _("系统"))]


def _lines(events: Iterator[AuditEvent], reader: Reader) -> Iterator[list[object]]:
    names = Names()
    while some := list(islice(events, _LINES_AT_ONCE)):
        names.learn(some, reader)
        yield from (_line(event, reader, names) for event in some)


def _line(event: AuditEvent, reader: Reader, names: Names) -> list[object]:
    entry = _entry(event, reader, names)
    sides = (event.before, event.after) if reader.owns(event) else ({}, {})
    return [
        event.id, formats.stamp(event.at), entry.actor, entry.acting_for, entry.title, event.action, entry.about,
        entry.reason, entry.address, *(json.dumps(side, ensure_ascii=False) if side else "" for side in sides),
    ]  # fmt: skip


def _entry(event: AuditEvent, reader: Reader, names: Names) -> Entry:
    own, organization = reader.owns(event), names.acting_for(event)
    who, acting_for = trail.actor(event), organization if reader.organization_id is None else ""
    if not own and event.actor_kind != "system" and event.acting_for_id is not None:
        who = organization or _("平台")
    return Entry(
        event, who, acting_for, trail.title(event), names.about(event), reader.subject_url(event),
        trail.reason(event.reason), event.address if own else "",
    )  # fmt: skip


def _organizations(ids: Collection[int | None]) -> dict[int | None, str]:
    """Providers by the name they sell under, everybody else as registered."""
    wanted = select(Organization.id, Organization.name, Provider.name_zh, Provider.name_en)
    wanted = wanted.outerjoin(Provider, Provider.organization_id == Organization.id).where(Organization.id.in_(ids))
    found = db.session.execute(wanted).mappings()
    return {row["id"]: formats.local(row, "name") if row["name_zh"] else row["name"] for row in found}


def _row(name: str, reader: Reader) -> AuditEvent | None:
    """The row that the address begins at; a stranger's is as good as none."""
    text = request.args.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        return None
    try:
        return event_for(reader, int(text))
    except NotFound:
        return None


def event_for(reader: Reader, id: int) -> AuditEvent:
    """One row that this reader may see. Raises NotFound."""
    if reader.organization_id is None:
        return audit.event_by_id(id)
    return audit.event_of(reader.organization_id, id)


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
