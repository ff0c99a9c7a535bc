"""Provisioning: asking providers to set up and take down, by hand or through a signed webhook.

Owns        requests, their delivery, what providers answer.
Not here    the subscription's own verbs (subscriptions.actions), the API providers call (api).
Invariants  a request is committed with the order that needs it; its id is the same on every attempt;
            no transaction is open while a provider is being called.
"""
