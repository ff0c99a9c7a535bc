"""`<int:id>` in an address is the number of a row; what no column can hold is not found without asking."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import IntegerConverter, ValidationError

#: The largest number of a BIGINT column.
MOST = 2**63 - 1


def read(value: str) -> int:
    """The number of a row in the words of an address. Raises ValueError for what no column can hold."""
    if not value.isascii() or not value.isdigit() or len(value) > len(str(MOST)) or int(value) > MOST:
        raise ValueError(value)
    return int(value)


def found_in(value: str | None) -> int | None:
    """The same for a form's hidden field; None for anything else."""
    try:
        return read(value or "")
    except ValueError:
        return None


class RowNumber(IntegerConverter):
    """Digits that fit into the column."""

    def to_python(self, value: str) -> int:
        """The number. Raises ValidationError, which is answered with 404."""
        if len(value) > len(str(MOST)) or int(value) > MOST:
            raise ValidationError
        return int(super().to_python(value))


def init_app(app: Flask) -> None:
    """Read every `<int:…>` this way."""
    app.url_map.converters["int"] = RowNumber
