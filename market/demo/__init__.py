"""Demo: a sample world made by running the real code over past months.

Owns        the sample people and firms, their history, and `demo.json` for scripts.
Not here    the catalogue (catalog_seed), the example provider's program (examples/provider).
Invariants  made once per database; nothing in it could not have been made through the pages.
"""

from market.demo.cast import PASSWORD, PEOPLE, Person
from market.demo.keepsakes import Keepsakes, finish, prepare

__all__ = ["PASSWORD", "PEOPLE", "Keepsakes", "Person", "finish", "prepare"]
