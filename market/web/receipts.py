"""Receipts as files, for all faces that give them out."""

from __future__ import annotations

from flask import Response

from market.payments import Payment, receipts


def pdf(payment: Payment, locale: str) -> Response:
    """The receipt, to be saved under its number."""
    seen = receipts.view(payment, locale)
    answer = Response(receipts.pdf(seen), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{receipts.file_name(seen)}"'
    return answer
