"""`/webhooks/stripe`: news from Stripe. It is stored and answered at once; what it is about the worker asks for."""

from __future__ import annotations

from flask import Blueprint, Response, request

from market import payments, resources
from market.errors import MarketError
from market.web.security import largest_body

bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@bp.post("/stripe")
@largest_body(payments.LARGEST_NEWS)
def stripe() -> Response:
    """200 for news that is stored, or was before; what is not Stripe's is refused in words."""
    try:
        fresh = payments.receive_news(
            request.get_data(cache=False), request.headers.get("Stripe-Signature"), at=resources.clock.now()
        )
    except MarketError as refusal:
        return Response(f"{refusal.code}: {refusal.message}\n", refusal.status, content_type="text/plain; charset=utf-8")
    return Response("stored\n" if fresh else "known\n", content_type="text/plain; charset=utf-8")
