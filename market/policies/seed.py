"""The first versions, from `catalog_seed/policies/<subject>.<language>.md`.

Only a policy that has no version yet is loaded: later ones are announced by people, seven days ahead.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from market import audit
from market.kit.period import local_day
from market.policies.actions import announce
from market.policies.models import PolicyVersion, Subject
from market.policies.queries import newest


def load(folder: Path, *, by: audit.Actor, at: datetime) -> list[PolicyVersion]:
    """Announce the first version of each policy that has none; it holds from the same day. Twice is once."""
    return [
        announce(
            subject,
            {f"text_{language}": _read(folder, subject, language) for language in ("zh", "en")},
            effective_on=local_day(at),
            after=0,
            user=None,
            by=by,
            at=at,
        )
        for subject in Subject
        if newest(subject) is None and (folder / f"{subject}.zh.md").is_file()
    ]


def _read(folder: Path, subject: Subject, language: str) -> str:
    return (folder / f"{subject}.{language}.md").read_text(encoding="utf-8")
