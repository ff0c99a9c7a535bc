"""Facts about what proves who somebody is, announced upward.

Each is sent with the `User` and `at=`, inside the transaction of the change: a receiver may add rows to it, and
nothing else.
"""

from blinker import Namespace

_signals = Namespace()

#: She can take the second step in another way than before. `change=` is added, replaced or removed,
#: `means=` authenticator, passkey or, removed only, everything; `name=` what she calls the passkey.
second_step_changed = _signals.signal("second-step-changed")
#: A recovery code has taken the place of the second step; `left=` are unused.
recovery_code_used = _signals.signal("recovery-code-used")

#: A link goes to `email=`; `purpose=` says what it is good for. The only moment at which its `word=` is known.
link_issued = _signals.signal("link-issued")
#: Her password is another one now.
password_changed = _signals.signal("password-changed")
#: Her address is another one now; the `old=` one gets a link that takes it back, with `word=`.
email_changed = _signals.signal("email-changed")
#: Somebody else wants to move another account to her address.
address_wanted = _signals.signal("address-wanted")
#: Somebody asked for a link for an address that nobody has; sent with no User, `request=` knows address and language.
address_unknown = _signals.signal("address-unknown")
