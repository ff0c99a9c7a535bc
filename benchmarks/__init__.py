"""Benchmarks: how fast the marketplace is, against its targets, measured limits and quoted peers.

Start them with `market bench [NAME]`. Each works on a throw-away marketplace in a folder of its own,
talks to it over the loopback, and is bounded in time. Absolute times depend on the machine and on what
else it does; a ratio to a limit measured in the same run carries over better.
"""
