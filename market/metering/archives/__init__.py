"""Old months of events as files: out of the database, and still to be proved.

Owns        writing a month to Parquet, taking it out of the database once the file says the same, checking files.
Not here    which months are archived, for whoever reads events (`metering.archived`).
Invariants  nothing leaves the database that was not read back from the file; identities and counters stay.
"""

from market.metering.archives.actions import Archived, Candidate, CannotArchive, archive, candidates
from market.metering.archives.checking import inspect
from market.metering.archives.files import path_of
from market.metering.archives.lookup import of_event

__all__ = ["Archived", "Candidate", "CannotArchive", "archive", "candidates", "inspect", "of_event", "path_of"]
