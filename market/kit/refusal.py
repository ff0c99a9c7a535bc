"""A value that cannot be accepted, said in words a person can act on."""

from __future__ import annotations


class Refusal(ValueError):
    """Input refused: `message` is the Chinese source text for gettext, `params` fills its `%(name)s` places.

    `code` is stable and meant for programs; `str(error)` is the filled Chinese sentence.
    """

    code = "invalid"

    def __init__(self, message: str, **params: object) -> None:
        self.message = message
        self.params = params
        super().__init__(message % params if params else message)
