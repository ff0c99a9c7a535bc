"""Facts about members and firms, announced upward inside the transaction of the change; receivers may only add to it."""

from blinker import Namespace

_signals = Namespace()

#: `member_removed.send(user, organization=, at=)`: she no longer belongs there; her sessions end.
member_removed = _signals.signal("member-removed")
#: `registration_answered.send(registration, owner=, word=, at=)`: somebody filled in the form. For an address that is
#: free the `word=` of the link, known at this moment only; for one that is taken its `owner=`.
registration_answered = _signals.signal("registration-answered")
#: `firm_wanted.send(registration, organization=, at=)`: whoever registered reads that mailbox, and her firm is known.
firm_wanted = _signals.signal("firm-wanted")
#: `invitation_sent.send(invitation, token=, at=)`: the only moment at which the word in the link is known.
invitation_sent = _signals.signal("invitation-sent")
#: `key_issued.send(key, by=, at=)`, also for a successor; `key_revoked.send(key, by=, at=)`.
key_issued = _signals.signal("key-issued")
key_revoked = _signals.signal("key-revoked")
#: `key_expiring.send(key, at=)`: it stops within a week. Sent once.
key_expiring = _signals.signal("key-expiring")
#: `verification_decided.send(verification, at=)`: an administrator has verified the firm or refused to, see `verified`.
verification_decided = _signals.signal("verification-decided")
#: `check_expiring.send(organization, days=30, at=)`: the check runs out within so many days. Sent again and again
#: until then; whoever tells people of it does so once for each number of days.
check_expiring = _signals.signal("check-expiring")
#: `check_expired.send(organization, at=)`: the check has run out.
check_expired = _signals.signal("check-expired")
