"""A picture that looks like a business licence from afar, for sample firms: marked as a sample all over."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from market import assets
from market.late import Library

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont
else:
    Image = Library("PIL.Image")
    ImageDraw = Library("PIL.ImageDraw")
    ImageFont = Library("PIL.ImageFont")

_SIZE = (1200, 850)
_PAPER, _INK, _RED, _MARK = "#fbf6e6", "#2b2b2b", "#a3241b", "#e9dcc0"


def sample_licence(name: str, code: str, *, kind: str = "有限责任公司", until: str = "长期") -> bytes:
    """A PNG with what a reviewer compares: name, code, kind and last day."""
    picture = Image.new("RGB", _SIZE, _PAPER)
    draw = ImageDraw.Draw(picture)
    for y in range(150, _SIZE[1], 170):
        for x in range(80, _SIZE[0], 330):
            draw.text((x, y), "示例 SAMPLE", _MARK, _font(44))
    draw.rectangle((24, 24, _SIZE[0] - 24, _SIZE[1] - 24), outline=_RED, width=6)
    draw.text((_SIZE[0] / 2, 130), "营业执照（示例）", _RED, _font(64), anchor="mm")
    draw.text((_SIZE[0] / 2, 195), "不是真实证照，不具法律效力", _INK, _font(26), anchor="mm")
    rows = (("统一社会信用代码", code), ("名称", name), ("类型", kind), ("住所", "广东省（示例地址）"), ("营业期限", until))
    for place, (label, value) in enumerate(rows):
        y = 300 + place * 88
        draw.text((110, y), label, _RED, _font(30))
        draw.text((420, y), value, _INK, _font(34))
    file = io.BytesIO()
    picture.quantize(32).save(file, "PNG", optimize=True)
    return file.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont:
    [path] = assets.font_dir().glob("*.ttf")
    font = ImageFont.truetype(str(path), size)
    font.set_variation_by_axes([500])
    return font
