"""Why a line comes to its amount: from the formula down to the events, worked out again while one looks.

Owns        what a page about one line shows: the working, the days, what came late, whether all of it agrees.
Not here    the words (faces), checking whole bills (verification), the file of events (evidence).
Invariants  reads only; of a bill that is final the answer is the same whenever it is asked for.
"""

from market.billing.why.days import Dated, Day, events_on
from market.billing.why.explaining import Basis, Explanation, explain
from market.billing.why.history import Booked, News

__all__ = ["Basis", "Booked", "Dated", "Day", "Explanation", "News", "events_on", "explain"]
