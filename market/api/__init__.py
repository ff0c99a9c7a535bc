"""API: what machines may do — a provider's report usage, read their catalogue, set subscriptions up; a buyer's read her usage.

Owns        keys at the door, CloudEvents over HTTP, the OpenAPI document and its readable page.
Not here    what usage counts (metering), the verbs behind an answer (subscriptions, catalog).
Invariants  every route but the documentation needs a key with a scope; every refusal is problem+json with
            a stable code; what was answered as accepted is committed.
"""

from __future__ import annotations

from flask_openapi3 import APIBlueprint, OpenAPI
from pydantic import ValidationError

from market.api import (
    corrections,
    days,
    docs,
    door,
    events,
    heartbeats,
    lane,
    log,
    meters,
    offerings,
    provisioning,
    reservations,
    subscriptions,
    webhooks,
)
from market.web.security import csrf

MODULES = (events, corrections, heartbeats, log, days, meters, offerings, subscriptions, reservations, provisioning)

#: What the document says about keys.
KEYS = (
    "A key made in the vendor portal; or in a firm's console, for reading its own usage. `mk_test_…` is a test key: it is taken wherever a live one is, every answer to it "
    "has the header `Test-Mode: true` and, in a JSON object, `test: true`; events are judged and not kept, and "
    "provisioning is refused with the code `test_key`. A key may expire; one that is replaced works for 24 hours or "
    "7 days beside its successor. Unknown, expired and revoked keys are answered alike: 401, `invalid_key`."
)

bp = APIBlueprint("api", __name__, url_prefix="/api/v1")
bp.before_request(door.enter)
bp.after_request(door.leave)
for module in MODULES:
    known = dict(bp.paths)
    bp.register_api(module.bp)
    # Of an address that two modules share, flask-openapi3 would describe the last one's methods only.
    for path in known.keys() & bp.paths.keys():
        added = bp.paths[path]
        bp.paths[path] = known[path].model_copy(update={name: getattr(added, name) for name in added.model_fields_set})


def open_lane(app: OpenAPI) -> None:
    """Answer usual reports before Flask does. Comes first, so that what the app learns from proxies is known here too."""
    lane.init_app(app)


def init_app(app: OpenAPI) -> None:
    """Serve `/api/v1`, the OpenAPI document and the page that explains it."""
    app.security_schemes = {"key": {"type": "http", "scheme": "bearer", "description": KEYS}}
    app.validation_error_callback = _invalid
    app.validation_error_model = door.Problem
    for part in (bp, *(module.bp for module in MODULES)):
        csrf.exempt(part)
    app.register_api(bp)
    app.register_blueprint(docs.bp)
    csrf.exempt(webhooks.bp)
    app.register_blueprint(webhooks.bp)


def _invalid(error: ValidationError):  # type: ignore[no-untyped-def]  # flask-openapi3 wants what abort() takes
    return door.invalid(error)
