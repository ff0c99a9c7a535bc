"""Facts announced upward, inside the transaction; receivers may only add rows."""

from blinker import Namespace

_signals = Namespace()

#: An archive is ready or could not be made: sent with the `Export`, `user=` who asked for it and `at=`.
export_ready = _signals.signal("export-ready")
#: A person's data was removed: sent with the `User`, whose name is already gone, and `at=`. Receivers remove theirs.
person_erased = _signals.signal("person-erased")
