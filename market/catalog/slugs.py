"""What may stand in addresses and in the names machines use."""

from __future__ import annotations

import re

#: Offerings, plans and charges: at most 60 small letters, digits and hyphens.
SLUG = re.compile(r"(?=.{1,60}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
#: Meters may use underscores too, as names of measures usually do.
METER_SLUG = re.compile(r"(?=.{1,60}\Z)[a-z0-9]+(?:[-_][a-z0-9]+)*")
