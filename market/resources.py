"""What the app lends to the domains: settings, clock, cipher.

Faces, commands and the worker read the clock and pass the time on; domains never do. Tests
install a clock of their own with `install`, so nothing needs to be patched.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from market.config import Settings


class Clock(Protocol):
    """Tells the time, aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)


class FileClock:
    """A clock that stands still at the instant written in a file until somebody rewrites it.

    Server, worker and provider of a test share it; it exists only with MARKET_TEST_CLOCK=1.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def now(self) -> datetime:
        """The instant in the file; the machine's time while there is no file."""
        try:
            return datetime.fromisoformat(self.path.read_text().strip()).astimezone(UTC)
        except FileNotFoundError:
            return datetime.now(UTC)

    def set(self, at: datetime) -> None:
        """Move the clock; readers see the old or the new instant, never half of one."""
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        draft.write_text(at.astimezone(UTC).isoformat())
        draft.replace(self.path)


class Cipher:
    """Encrypts what must be readable again: access details, webhook secrets, uploaded files.

    The first key writes; earlier keys only read, until `market secrets rotate` has written everything anew.
    """

    def __init__(self, secret_key: str, old_secret_keys: Sequence[str] = ()) -> None:
        self._newest, *old = (_fernet(key) for key in (secret_key, *old_secret_keys))
        self._all = MultiFernet([self._newest, *old])

    def encrypt(self, text: str) -> str:
        """Encrypted text, safe to store."""
        return self.encrypt_bytes(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The text again. Raises ValueError when no key or the token is not the right one."""
        return self.decrypt_bytes(token.encode()).decode()

    def encrypt_bytes(self, content: bytes) -> bytes:
        """An encrypted file, safe to store."""
        return self._newest.encrypt(content)

    def decrypt_bytes(self, token: bytes) -> bytes:
        """The file again. Raises ValueError like `decrypt`."""
        try:
            return self._all.decrypt(token)
        except InvalidToken as error:
            raise ValueError("this was encrypted with another MARKET_SECRET_KEY") from error

    def renewed(self, token: bytes) -> bytes | None:
        """The same encrypted with the newest key; None when it is already. Raises ValueError like `decrypt`."""
        try:
            self._newest.decrypt(token)
        except InvalidToken:
            return self.encrypt_bytes(self.decrypt_bytes(token))
        return None


def _fernet(secret_key: str) -> Fernet:
    digest = hashlib.sha256(b"market cipher " + secret_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


settings: Settings
clock: Clock
cipher: Cipher


def present() -> datetime:
    """What the clock says now; for work that goes on while time passes, in other processes too."""
    return clock.now()


def install(new: Settings, *, with_clock: Clock | None = None) -> None:
    """Lend these settings and, in tests, this clock."""
    global settings, clock, cipher
    settings = new
    clock = with_clock or (FileClock(new.clock_file) if new.test_clock else SystemClock())
    cipher = Cipher(new.secret_key, new.old_secret_keys)
