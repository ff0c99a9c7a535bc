"""The bank's statements: every line of them once, and whose money it was.

Owns        imported files, their lines, reading CSV, camt.053 and MT940, whose transfer a line is.
Not here    what is owed (billing), payments and their codes (payments), books (ledger).
Invariants  a line is stored once, whatever file brings it again; nothing is booked on an amount alone; what came in
            goes to bills, to the balance or back, and never to more than came in.
"""
