"""Reconciliation: what buyer and provider say about each day's usage.

Owns        days that were accepted, objected to or settled; which state every other day is in.
Not here    changing what was counted (corrections), bills (billing).
Invariants  a day without a row is reported, and accepted once nobody has objected for so long.
"""
