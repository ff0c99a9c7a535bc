"""The hand-written catalogue: `catalog_seed/` into the database.

    report = seed.load(folder, by=audit.system("seed"), at=now)

Loading is one transaction and can be repeated: what is there and says the same is not touched,
a changed text becomes a new revision, a changed price a new version of its plan. What a provider
has taken over in the portal is theirs: the files do not overwrite it.
"""

from market.catalog.seed.files import SeedInvalid, read
from market.catalog.seed.loader import Report, load
from market.catalog.seed.pricing import PricedPlan, plans_in
from market.catalog.seed.shapes import Charge

__all__ = ["Charge", "PricedPlan", "Report", "SeedInvalid", "load", "plans_in", "read"]
