"""Facts about fapiao, announced upward inside the transaction of the change; receivers only add rows."""

from __future__ import annotations

from blinker import signal

#: Sent as `fapiao_requested.send(request, at=at)` when a buyer asks a provider, also for the second time.
fapiao_requested = signal("fapiao_requested")

#: Sent as `fapiao_issued.send(request, at=at)` when number and file are recorded.
fapiao_issued = signal("fapiao_issued")

#: Sent as `fapiao_amount_changed.send(request, before_fen=fen, at=at)` when a credit note changed what is to stand on
#: one that is not issued yet, and something is left.
fapiao_amount_changed = signal("fapiao_amount_changed")

#: Sent as `fapiao_mended.send(request, paper=paper, before=number, at=at)` when number or day were put right.
fapiao_mended = signal("fapiao_mended")

#: Sent as `fapiao_refused.send(request, at=at)` when there will be none, for the reason stored with it.
fapiao_refused = signal("fapiao_refused")

#: Sent as `red_wanted.send(paper, request=request, at=at)` when a credit note needs a red letter of the provider.
red_wanted = signal("red_fapiao_wanted")

#: Sent as `red_recorded.send(paper, request=request, at=at)` when its number is recorded.
red_recorded = signal("red_fapiao_recorded")

#: Sent as `reds_recorded.send(note_id, by=by, at=at)` when a credit note has all the red letters it waited for; the
#: sender is the credit note's number in the database.
reds_recorded = signal("red_fapiaos_of_note_recorded")
