"""A double of Stripe on this machine, for the unmodified SDK over real HTTP.

    fake = stripe.served()                 a server of its own port; `fake.url` goes into STRIPE_URL
    fake.pay(session_id)                   the buyer pays on Stripe's page
    body, header = fake.news("checkout.session.completed", session_id)
    fake.trouble("POST /v1/refunds", "lost", times=3)

Every request is checked against the parameter types that the SDK ships (`contract`).
"""

from tests.support.stripe.double import Double
from tests.support.stripe.server import SECRET, served

__all__ = ["SECRET", "Double", "served"]
