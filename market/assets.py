"""Built files: what pages and PDFs need from installed packages, and compiled translations.

Owns        `static/vendor/` (htmx and a sprite of the icons named in `static/icons.txt`), the font of PDFs,
            and translations in the form that gettext reads.
Not here    our own styles and scripts (`static/css`, `static/js`).
Invariants  nothing is downloaded and nothing built is committed; building twice changes nothing.
"""

from __future__ import annotations

import difflib
import os
import re
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from market.config import ROOT
from market.late import Library

if TYPE_CHECKING:
    from babel.messages import mofile, pofile
else:
    mofile = Library("babel.messages.mofile")
    pofile = Library("babel.messages.pofile")

STATIC = ROOT / "static"
TRANSLATIONS = ROOT / "market" / "translations"
FONT_FAMILY = "Noto Sans SC"

_ICONS = "tabler_icons/tabler-sprite-nostroke.svg", "tabler_icons/tabler-sprite-filled.svg"
_SYMBOL = re.compile(r'<symbol id="tabler-([^"]+)"([^>]*)>(.*?)</symbol>', re.DOTALL)
_FRAME = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>')
_NOTICE = "<!-- Tabler Icons, MIT License, Copyright (c) 2020-2026 Paweł Kuna -->"


class AssetError(Exception):
    """An asset cannot be built; the message says what to change."""


def build(static: Path = STATIC) -> list[Path]:
    """Write what is missing or old; return the files whose content changed. Raises AssetError in words."""
    names = _names(static / "icons.txt")
    made = {
        static / "vendor" / "htmx.min.js": (_package("js_lib_htmx") / "static/htmx/htmx.min.js").read_bytes(),
        static / "vendor" / "icons.svg": _sprite(names).encode(),
    }
    made |= {path.with_suffix(".mo"): _compiled(path) for path in TRANSLATIONS.glob("*/LC_MESSAGES/*.po")}
    return [path for path, content in made.items() if _write(path, content)]


def font_dir() -> Path:
    """The folder with the font of PDFs: Noto Sans SC, all weights in one file. Raises AssetError."""
    folder = _package("justmytype_intl_cjk") / "fonts/ofl/notosanssc"
    if not any(folder.glob("*.ttf")):
        raise AssetError(f"No font in {folder}: the installed packages differ from requirements.txt.")
    return folder


def _compiled(source: Path) -> bytes:
    """A catalog as gettext reads it; messages without a translation stay Chinese."""
    with source.open("rb") as file:
        catalog = pofile.read_po(file)
    compiled = BytesIO()
    mofile.write_mo(compiled, catalog)
    return compiled.getvalue()


def _names(listing: Path) -> list[str]:
    """Icon names: one a line, `#` starts a comment."""
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.is_file() else []
    return sorted({name for line in lines if (name := line.partition("#")[0].strip())})


def _sprite(names: list[str]) -> str:
    """One SVG with a symbol for each name; the symbol's id is the name."""
    folder = _package("flask_tabler_icons") / "static"
    known = {}
    for file in _ICONS:
        for name, attributes, drawing in _SYMBOL.findall((folder / file).read_text(encoding="utf-8")):
            known[_public_name(name)] = attributes, _FRAME.sub("", drawing).strip()
    if unknown := [name for name in names if name not in known]:
        raise AssetError(
            "\n".join(["static/icons.txt names unknown icons:", *(_hint(n, known) for n in unknown)])
        )
    symbols = [f'<symbol id="{name}"{known[name][0]}>{known[name][1]}</symbol>' for name in names]
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', _NOTICE, *symbols, "</svg>", ""])


def _public_name(name: str) -> str:
    """`filled-star` in the package is `star-filled` to us, as on the icons' own site."""
    return f"{name.removeprefix('filled-')}-filled" if name.startswith("filled-") else name


def _hint(name: str, known: dict[str, tuple[str, str]]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"  - {name}" + (f" (do you mean {', '.join(close)}?)" if close else "")


def _package(name: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise AssetError(f"The package {name} is not installed: run `make run` or install requirements.txt.")
    return Path(spec.submodule_search_locations[0])


def _write(path: Path, content: bytes) -> bool:
    """Replace the file if its content differs; a reader never sees half of it."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
    return True
