"""`/console/contracts/<id>`: what the firm has agreed to, to read and print whatever changes later."""

from __future__ import annotations

from flask import Blueprint, g, render_template

from market import subscriptions
from market.web import contracts, guards

bp = Blueprint("contracts", __name__, url_prefix="/contracts")


@bp.get("/<int:id>")
@guards.require("money.read")
def show(id: int) -> str:
    """One contract in full, with who accepted it and when."""
    contract = subscriptions.contract_of(g.organization, id)
    return render_template(
        "console/contracts/show.html",
        contract=contract,
        agreed=contracts.worded(contract.terms, contract.quantity),
        kind=contracts.KINDS[contract.kind],
    )
