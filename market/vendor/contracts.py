"""`/vendor/contracts/<id>`: what a customer has agreed to, as it was accepted."""

from __future__ import annotations

from flask import Blueprint, g, render_template

from market import subscriptions
from market.web import contracts, guards

bp = Blueprint("contracts", __name__, url_prefix="/contracts")


@bp.get("/<int:id>")
@guards.require("customers.read")
def show(id: int) -> str:
    """One contract in full, with who accepted it and when."""
    contract = subscriptions.contract_with(g.provider, id)
    return render_template(
        "vendor/contracts/show.html",
        contract=contract,
        agreed=contracts.worded(contract.terms, contract.quantity),
        kind=contracts.KINDS[contract.kind],
    )
