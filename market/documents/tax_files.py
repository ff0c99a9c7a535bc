"""Files of fapiao: PDF, OFD (a ZIP with `OFD.xml` in it) or XML, told by their bytes. Nothing in them is run or unpacked."""

from __future__ import annotations

import io
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from market.documents.kinds import LARGEST, Unusable

PDF, OFD, XML = "application/pdf", "application/ofd", "application/xml"
ENDINGS = {PDF: ".pdf", OFD: ".ofd", XML: ".xml"}
#: More parts than any fapiao has; a longer list of contents is an attack or another kind of file.
_MOST_PARTS = 500


def fapiao_file(data: bytes) -> str:
    """Which of the three it is. Raises Unusable for everything else, in words."""
    if not data:
        raise Unusable("选择发票文件：PDF、OFD 或 XML。")
    if len(data) > LARGEST:
        raise Unusable("文件超过 5 MB。发票文件没有这么大，请检查是不是选错了。")
    if data.startswith(b"%PDF-"):
        if b"%%EOF" not in data[-1024:]:
            raise Unusable("这份 PDF 不完整，可能没传完。请重新下载发票后上传。")
        return PDF
    if data.startswith(b"PK"):
        return _ofd(data)
    if data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return _xml(data)
    raise Unusable("只能上传 PDF、OFD 或 XML 发票文件，这个文件不是。改文件名没有用，请从电子税务局重新下载。")


def _ofd(data: bytes) -> str:
    """Only the list of contents is read."""
    try:
        with ZipFile(io.BytesIO(data)) as parts:
            names = parts.namelist()
    except (BadZipFile, ValueError, OSError, UnicodeDecodeError, NotImplementedError) as error:
        raise Unusable("这个文件打不开，可能没传完或已损坏。请重新下载发票后上传。") from error
    if "OFD.xml" not in names or len(names) > _MOST_PARTS:
        raise Unusable("这个压缩包不是 OFD 发票。请直接上传发票文件，不要打包。")
    return OFD


def _xml(data: bytes) -> str:
    """Well formed, and without a document type: what defines its own entities is no fapiao."""
    reader = expat.ParserCreate("utf-8")
    reader.StartDoctypeDeclHandler = _no_doctype
    try:
        reader.Parse(data, True)
    except expat.ExpatError as error:
        raise Unusable("这个 XML 文件不完整或不是发票。请从电子税务局重新下载。") from error
    return XML


def _no_doctype(*_declared: object) -> None:
    raise Unusable("这个 XML 文件不是发票。请从电子税务局重新下载。")
