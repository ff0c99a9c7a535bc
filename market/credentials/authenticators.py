"""Authenticator apps: six digits that change every 30 seconds (TOTP, RFC 6238), each taken once."""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import select, update

from market import audit, db, resources
from market.accounts.models import User
from market.credentials import second_step, signals
from market.credentials.models import Authenticator
from market.errors import Invalid, Refused

STEP_SECONDS = 30
#: A phone's clock may be one step ahead or behind.
DRIFT = 1
#: How long a secret that was shown waits for its first code.
PENDING_LIFE = timedelta(minutes=30)
#: Longer input is no code in any spelling.
_LONGEST = 40


class WrongCode(Invalid):
    """The six digits are not those of now, or were used before."""

    code = "wrong_code"
    message = "验证码不对，或已经用过。请看应用里现在显示的 6 位数字，再填一次。"


class NothingPending(Refused):
    """There is no authenticator being set up, or it has waited too long."""

    code = "no_pending_authenticator"
    message = "这次添加已经完成或放得太久。请回到两步验证页面看一下，需要时重新开始。"


def begin(user: User, *, by: audit.Actor, at: datetime, secret: str = "") -> Authenticator:
    """A secret for her app, in force after its first code; the same one while she is still busy with it.

    Whatever was in force stays so until then. `secret` is for sample people only.
    """
    db.lock(user)
    waiting = pending_of(user, at=at)
    if waiting is not None and not secret:
        return waiting
    if (stale := _find(user, in_force=False)) is not None:
        db.session.delete(stale)
        db.session.flush()
    made = Authenticator(
        user_id=user.id, secret=resources.cipher.encrypt(secret or pyotp.random_base32()), created_at=at
    )
    db.session.add(made)
    audit.record("authenticator.begun", user, by=by, at=at)
    return made


def pending_of(user: User, *, at: datetime) -> Authenticator | None:
    """The authenticator she is setting up."""
    found = _find(user, in_force=False)
    return found if found is not None and at - found.created_at < PENDING_LIFE else None


def confirm(user: User, code: str, *, by: audit.Actor, at: datetime) -> Authenticator:
    """The first code has been typed in: from now on this app counts, and the one before it no longer.

    Raises WrongCode, NothingPending.
    """
    db.lock(user)
    waiting = pending_of(user, at=at)
    if waiting is None:
        raise NothingPending
    step = _step_of(waiting, code, at)
    if step is None:
        raise WrongCode(fields={"code": WrongCode.message})
    if (replaced := _find(user, in_force=True)) is not None:
        db.session.delete(replaced)
        db.session.flush()
    waiting.in_force, waiting.confirmed_at, waiting.last_step = True, at, step
    change = "replaced" if replaced else "added"
    audit.record(f"authenticator.{change}", user, by=by, at=at)
    signals.second_step_changed.send(user, change=change, means="authenticator", at=at)
    return waiting


def verify(user: User, code: str, *, at: datetime) -> bool:
    """Whether this is her app's code of now, give or take a step; true once for each code."""
    held = _find(user, in_force=True)
    step = _step_of(held, code, at) if held is not None else None
    if held is None or step is None:
        return False
    # Of two who send one code at the same moment the database lets one through.
    unused = update(Authenticator).where(Authenticator.id == held.id, Authenticator.last_step < step)
    return db.session.scalar(unused.values(last_step=step).returning(Authenticator.id)) is not None


def remove(user: User, *, by: audit.Actor, at: datetime) -> None:
    """She no longer uses an app. Raises LastSecondStep for an administrator's last means."""
    held = _find(user, in_force=True)
    if held is None:
        return
    second_step.take_away(user, held)
    audit.record("authenticator.removed", user, by=by, at=at)
    signals.second_step_changed.send(user, change="removed", means="authenticator", at=at)


def secret_of(authenticator: Authenticator) -> str:
    """The secret in letters, to be typed where no picture can be read."""
    return resources.cipher.decrypt(authenticator.secret)


def address_of(authenticator: Authenticator, user: User, *, issuer: str) -> str:
    """What the picture says: the secret, and how the app shall call it."""
    return pyotp.TOTP(secret_of(authenticator)).provisioning_uri(name=user.email, issuer_name=issuer)


def code_at(secret: str, at: datetime, *, ahead: int = 0) -> str:
    """What an app with this secret shows at an instant, or so many steps later."""
    return pyotp.TOTP(secret).generate_otp(step_at(at) + ahead)


def usable_code(user: User, *, at: datetime) -> str | None:
    """The code that would be taken next, for demos and tests; None without an app, or when one has to wait."""
    held = _find(user, in_force=True)
    if held is None or held.last_step > step_at(at):
        return None
    return code_at(secret_of(held), at, ahead=1 if held.last_step == step_at(at) else 0)


def step_at(at: datetime) -> int:
    """The number of the 30-second step in which an instant lies."""
    return int(at.timestamp()) // STEP_SECONDS


def normal(code: str) -> str:
    """What somebody typed, in plain digits and letters: full-width ones, spaces and hyphens are no mistake."""
    if len(code) > _LONGEST:
        return ""
    return "".join(letter for letter in unicodedata.normalize("NFKC", code) if letter.isalnum())


def _step_of(authenticator: Authenticator, code: str, at: datetime) -> int | None:
    typed, secret = normal(code).encode(), secret_of(authenticator)
    steps = [ahead for ahead in range(-DRIFT, DRIFT + 1) if hmac.compare_digest(code_at(secret, at, ahead=ahead).encode(), typed)]
    return step_at(at) + steps[-1] if steps else None


def _find(user: User, *, in_force: bool) -> Authenticator | None:
    query = select(Authenticator).where(Authenticator.user_id == user.id, Authenticator.in_force.is_(in_force))
    return db.session.scalar(query.execution_options(populate_existing=True))
