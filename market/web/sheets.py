"""Lists as CSV files that spreadsheets open rightly: Chinese as Chinese, and no cell that computes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context

#: A cell that begins with one of these is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_ONCE = 200


def sheet(filename: str, head: Sequence[object], rows: Iterable[Sequence[object]]) -> Response:
    """A file sent while its rows are read, so that a long one takes no memory.

    UTF-8 with a byte-order mark, without which Excel shows Chinese as gibberish.
    """
    answer = Response(stream_with_context(_written(head, rows)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


def safe(value: object) -> str:
    """A cell as text: what would be a formula is preceded by an apostrophe."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(head: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow([safe(cell) for cell in head])
    for number, row in enumerate(rows, 1):
        writer.writerow([safe(cell) for cell in row])
        if number % _ROWS_AT_ONCE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
