"""Libraries that are loaded by whoever first asks them for something: what one command needs should not slow all others down.

    if TYPE_CHECKING:
        import stripe
    else:
        stripe = Library("stripe")
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Library:
    """Stands for a module until then, and afterwards too."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
