"""What may be uploaded: a picture or a PDF, told by its bytes and not by what it is called."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from market.errors import Invalid
from market.late import Library

if TYPE_CHECKING:
    import PIL
    from PIL import Image
else:
    PIL = Library("PIL")
    Image = Library("PIL.Image")

LARGEST = 5 * 1024 * 1024
#: More pixels than any telephone's camera takes; a file that unpacks to more is an attack or no photograph.
MOST_PIXELS = 60_000_000
#: Shorter than this nobody can read the small print of a licence.
SHORTEST_SIDE = 300
ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "application/pdf": ".pdf"}
_PICTURES = {"JPEG": "image/jpeg", "PNG": "image/png"}
_PDF_START, _PDF_END, _NEAR = b"%PDF-", b"%%EOF", 1024


class Unusable(Invalid):
    """The file cannot be taken; the message says what to send instead."""

    code = "document_unusable"
    message = "这个文件不能用。请上传 JPG、PNG 图片或 PDF。"

    def __init__(self, message: str) -> None:
        super().__init__(message, fields={"document": message})


def media_type_of(data: bytes) -> str:
    """`image/jpeg`, `image/png` or `application/pdf`. Raises Unusable for everything else, in words."""
    if not data:
        raise Unusable("这个文件是空的。请重新选择执照照片或 PDF。")
    if len(data) > LARGEST:
        raise Unusable("文件超过 5 MB。请把照片调小一些，或用手机截图后上传。")
    if data.startswith(_PDF_START):
        if _PDF_END not in data[-_NEAR:]:
            raise Unusable("这份 PDF 不完整，可能没传完。请重新导出后上传。")
        return "application/pdf"
    return _picture(data)


def _picture(data: bytes) -> str:
    """Nothing is unpacked before its size is known, and then as little as possible."""
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=list(_PICTURES)) as picture:
            # Pillow warns of bombs at a size of its own; ours is checked in the next line.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            _sized(*picture.size)
            if picture.format == "JPEG":
                picture.draft("L", (64, 64))
                picture.load()
            else:
                picture.verify()
            return _PICTURES[picture.format or ""]
    except PIL.UnidentifiedImageError as error:
        raise Unusable("只能上传 JPG、PNG 图片或 PDF，这个文件不是。改文件名没有用，请另存为这几种格式。") from error
    except Image.DecompressionBombError as error:
        raise Unusable("图片的像素太多，超过 6000 万。请调小后上传。") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise Unusable("这张图片打不开，可能没传完或已损坏。请重新拍照或导出后上传。") from error


def _sized(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise Unusable("图片的像素太多，超过 6000 万。请调小后上传。")
    if min(width, height) < SHORTEST_SIDE:
        raise Unusable("图片太小，看不清上面的字。请上传宽和高都在 300 像素以上的照片。")
