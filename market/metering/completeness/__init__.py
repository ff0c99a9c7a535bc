"""Completeness: whether all usage is here.

Owns        what providers say about how far their reports reach, and meters that have fallen silent.
Not here    the events themselves (metering).
Invariants  a provider's word never goes back; one silence is told once.
"""
