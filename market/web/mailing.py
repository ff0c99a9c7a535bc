"""Where a letter is: it leaves, it waits for the mail server, or it stays here because there is none.

A page that has just had a letter written says that in one sentence; it never says that something is on its way.
"""

from __future__ import annotations

from enum import StrEnum

from flask import Flask, flash
from flask_babel import gettext as _

from market import notifications, resources
from market.web.formats import sentences


class Standing(StrEnum):
    """What happens to letters at the moment."""

    LEAVES = "leaves"
    WAITS = "waits"
    STAYS = "stays"


def init_app(app: Flask) -> None:
    """Let templates ask before they promise a letter."""
    app.jinja_env.globals.update(mail_standing=standing, with_news=with_news)


def standing() -> Standing:
    """Whether letters leave this place."""
    if not resources.settings.smtp_url:
        return Standing.STAYS
    return Standing.WAITS if notifications.mail_is_late(resources.clock.now()) else Standing.LEAVES


def with_news(words: str) -> str:
    """What was done, and where its result will be told: by e-mail, or in the mailbox where none leaves this place."""
    if resources.settings.smtp_url:
        return sentences(words, _("有了结果会发邮件告诉您。"))
    return sentences(words, _("有了结果会写在“我的邮件”里。"))


def tell_written(words: str, email: str) -> None:
    """Say what was done, and where the letter to an address of one's own is."""
    found = standing()
    _tell(found, words, {
        Standing.LEAVES: _("信会寄到 %(email)s。", email=email),
        Standing.WAITS: _waits(),
        Standing.STAYS: _("这里没有设置邮件服务器，信不会寄到 %(email)s，在您的“我的邮件”里。", email=email),
    }[found])  # fmt: skip


def tell_invited(words: str, tone: str = "ok") -> None:
    """Say what was done, and where the letter with an invitation is, when it does not simply leave."""
    found = standing()
    _tell(found, words, {
        Standing.LEAVES: "",
        Standing.WAITS: _waits(),
        Standing.STAYS: _("这里没有设置邮件服务器，邀请信不会寄出，在哪里看见下表。"),
    }[found], tone)  # fmt: skip


def _waits() -> str:
    return _("邮件服务器暂时没有收信，这封信在排队，恢复后会自动寄出。")


def _tell(found: Standing, words: str, where: str, tone: str = "ok") -> None:
    flash(sentences(words, where), {Standing.WAITS: "warn", Standing.STAYS: "info"}.get(found, tone))
