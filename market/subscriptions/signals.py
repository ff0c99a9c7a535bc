"""Facts about subscriptions, announced upward.

Each is sent with the `Subscription` and `at=`, inside the transaction of the change: a receiver may
add rows to it, and nothing else. Relationships are not loaded; a receiver asks for what it needs.
"""

from blinker import Namespace

_signals = Namespace()

#: The provider has set it up; it is trialing or active from now on.
subscription_activated = _signals.signal("subscription-activated")
#: It is over. What was used until then stands on the next bill; what never began costs nothing. `reason=` says why.
subscription_ended = _signals.signal("subscription-ended")
#: The provider could not set it up, or could not be reached. `reason=` says why.
subscription_failed = _signals.signal("subscription-failed")
#: A change has taken hold: another plan, quantity or price, a pause or its end. `change=` is its row.
subscription_changed = _signals.signal("subscription-changed")
#: An order, sent instead of the subscription, waits for somebody who may approve it.
order_waiting = _signals.signal("order-waiting")
#: It was approved or refused, or nobody answered in time: its status says which.
order_decided = _signals.signal("order-decided")
#: A request, sent instead of the subscription, is new or open again. `subscription=` is whose.
request_asked = _signals.signal("request-asked")
#: The provider said that it cannot do what a request about a running or ended subscription asks, or did not do
#: it in time; sent with the request, `subscription=` and `reason=`. Setting up has `subscription_failed`.
request_failed = _signals.signal("request-failed")
#: The deadline of `requests=` of one provider, which is sent, is near or over: `stage=` says which.
requests_due = _signals.signal("requests-due")
#: The provider has replaced the access details.
access_rotated = _signals.signal("access-rotated")

#: Sent as `ordering.send(organization, at=at)` before anything is ordered. No fact yet: a receiver that knows why this firm
#: must not order raises a refusal that says so.
ordering = _signals.signal("ordering")
