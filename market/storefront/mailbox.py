"""`/mailbox`: one's own messages, where no mail server is set."""

from __future__ import annotations

from flask import Blueprint, g, render_template
from werkzeug.wrappers import Response

from market import notifications, resources
from market.errors import NotFound
from market.web import guards, paging

bp = Blueprint("mailbox", __name__, url_prefix="/mailbox")


@bp.before_request
def only_without_mail_server() -> Response | None:
    """With a mail server the messages are in people's real mailboxes, and only there."""
    if resources.settings.smtp_url:
        raise NotFound
    return guards.signed_in()


@bp.get("/")
def index() -> str:
    """The signed-in person's messages, newest first."""
    return render_template(
        "storefront/mailbox/index.html", page=paging.page_of(notifications.mailbox(g.user))
    )
