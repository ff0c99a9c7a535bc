"""Facts about second steps, announced upward.

Each is sent with the `User` and `at=`, inside the transaction of the change: a receiver may add rows to it, and
nothing else.
"""

from blinker import Namespace

_signals = Namespace()

#: She can take the second step in another way than before. `change=` is added, replaced or removed,
#: `means=` authenticator or passkey, `name=` what she calls the passkey.
second_step_changed = _signals.signal("second-step-changed")
#: A recovery code has taken the place of the second step; `left=` are unused.
recovery_code_used = _signals.signal("recovery-code-used")
