"""The texts' few marks: `## ` begins a heading, `- ` an item of a list, an empty line ends a paragraph.

Nothing else means anything, so a text can hold no markup: pages print its blocks escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal


@dataclass(frozen=True)
class Block:
    """A heading, a paragraph or a list with its items."""

    kind: Literal["heading", "paragraph", "list"]
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its words on one line for each item."""
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Change:
    """One piece of a text beside what it becomes; `label` is the heading it stands under."""

    label: str
    old: str
    new: str


def cleaned(text: str) -> str:
    """The text with plain line ends and without blanks at its edges or control characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = ("".join(letter for letter in line if letter.isprintable() or letter == "\u3000").rstrip() for line in lines)
    return "\n".join(kept).strip()


def blocks(text: str) -> list[Block]:
    """The text in its parts."""
    return list(_blocks(text))


def changes(old: str, new: str) -> list[Change]:
    """Both texts in pieces side by side: what stayed has the same words on both sides."""
    before, after = _pieces(old), _pieces(new)
    rows = []
    for _, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for left, right in zip_longest(before[a:b], after[c:d], fillvalue=("", "")):
            rows.append(Change(right[0] or left[0], left[1], right[1]))
    return rows


def _blocks(text: str) -> Iterator[Block]:
    kind: Literal["paragraph", "list"] = "paragraph"
    lines: list[str] = []
    for line in [*cleaned(text).split("\n"), ""]:
        heading, item = line.startswith("## "), line.startswith("- ")
        wanted: Literal["paragraph", "list"] = "list" if item else "paragraph"
        if lines and (not line.strip() or heading or wanted != kind):
            yield Block(kind, tuple(lines) if kind == "list" else (_joined(lines),))
            lines = []
        if heading:
            yield Block("heading", (line[3:].strip(),))
        elif line.strip():
            kind = wanted
            lines.append(line[2:].strip() if item else line.strip())


def _joined(lines: list[str]) -> str:
    """Lines of one paragraph: with a blank between Latin letters, without one between Chinese."""
    text = lines[0]
    for line in lines[1:]:
        text += (" " if text[-1].isascii() and line[0].isascii() else "") + line
    return text


def _pieces(text: str) -> list[tuple[str, str]]:
    """Each paragraph and item with the heading above it."""
    label, found = "", []
    for block in blocks(text):
        if block.kind == "heading":
            label = block.lines[0]
        else:
            found += [(label, line) for line in block.lines]
    return found
