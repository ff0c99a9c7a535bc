"""Provisioning: asking providers to set up, change and take down, by hand or through a signed webhook.

Owns        requests (`requests`), what providers answer (`answers`), their delivery (`webhook`, `transport`,
            `payload`), reminders and giving up (`deadlines`).
Not here    the subscription's own verbs (subscriptions.actions), the API providers call (api).
Invariants  a request is committed with what needs it; its id is the same on every attempt; requests about one
            subscription are sent in their order; what is closed is never completed: who confirms too late is
            asked to take it down; no transaction is open while a provider is being called.
"""
