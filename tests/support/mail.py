"""A real SMTP server on loopback that keeps what it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from examples import ports


class MailSink:
    """`url` for MARKET_SMTP_URL; `messages` that arrived, oldest first; `refuse` makes it answer 451."""

    def __init__(self, port: int) -> None:
        self.url = f"smtp://127.0.0.1:{port}"
        self.messages: list[EmailMessage] = []
        self.refuse = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Called by aiosmtpd with each message."""
        if self.refuse:
            return "451 try again later"
        message = message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default)
        self.messages.append(message)
        return "250 kept"


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """A sink on a free port."""
    port = ports.claim()
    sink = MailSink(port)
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
