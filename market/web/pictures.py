"""Pictures that pages carry in themselves: a QR code as SVG, with attributes only."""

import segno
from markupsafe import Markup


def qr(text: str) -> Markup:
    """A code for a camera. Dark on white in every theme: cameras read nothing else."""
    drawing = segno.make(text, error="m", micro=False).svg_inline(scale=4, light="#fff", svgclass=None, lineclass=None)
    return Markup(drawing)  # noqa: S704  # drawn by us; the text is in its dots only
