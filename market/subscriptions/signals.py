"""Facts about subscriptions, announced upward.

Each is sent with the `Subscription` and `at=`, inside the transaction of the change: a receiver may
add rows to it, and nothing else. Relationships are not loaded; a receiver asks for what it needs.
"""

from blinker import Namespace

_signals = Namespace()

#: The provider has set it up; it is trialing or active from now on.
subscription_activated = _signals.signal("subscription-activated")
#: It is over. What was used until then stands on the next bill.
subscription_ended = _signals.signal("subscription-ended")
#: The provider could not set it up, or could not be reached. `reason=` says why.
subscription_failed = _signals.signal("subscription-failed")
#: An order, sent instead of the subscription, waits for somebody who may approve it.
order_waiting = _signals.signal("order-waiting")
#: It was approved or refused, or nobody answered in time: its status says which.
order_decided = _signals.signal("order-decided")
