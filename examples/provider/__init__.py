"""An object store that sells through the marketplace and talks to it over HTTP only.

Copy this folder to start a provider of your own: `provisioning.py` and `outbox.py` are the parts that
every provider needs, `objects.py` is the service that is sold. It imports nothing of the marketplace.

Three rules make it safe to be killed at any moment, on either side:
1. A fact and the usage it causes are one SQLite transaction; files are on disk before it, unlinked after it.
2. Everything told to the marketplace is told again until it is confirmed, under an id that was stored first.
3. What has to be the same on a second try (secrets, ids, instants) is derived or stored, never made anew.
"""
