"""Credit notes: what was wrong in an issued bill and is given back.

Owns        credit notes and their lines, proposals of administrators, balances, requests to pay money back.
Not here    what a correction or a termination comes to (billing), the red fapiao (billing.fapiao), how money gets out.
Invariants  an issued bill is never changed; never more is credited than a bill, a provider on it and a line asked
            for; net and tax of a line re-add however it is cut; a balance is never less than nothing; numbers have
            no gaps.
"""
