"""CSV files: opened by a spreadsheet they show what was meant, and compute nothing."""

from __future__ import annotations

import csv
import io

import pytest
from flask import Flask

from market.web import sheets


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("+8613800000000", "'+8613800000000"), ("-5", "'-5"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("a=1", "a=1"), (None, ""), (0, "0"), (-5, "'-5"),
    ],
)  # fmt: skip
def test_a_formula_is_text(value: object, cell: str) -> None:
    assert sheets.safe(value) == cell


def test_a_long_file_is_sent_in_pieces_and_reads_back() -> None:
    app = Flask(__name__)
    rows = [(number, '他说"好"', "第一行\n第二行") for number in range(1000)]
    with app.test_request_context():
        answer = sheets.sheet("x.csv", ["号", "话"], iter(rows))
        pieces = [piece.decode() for piece in answer.iter_encoded()]
    text = "".join(pieces)
    assert len(pieces) > 3 and text.startswith("\ufeff号,话\r\n")
    read = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert read[1:] == [[str(number), one, two] for number, one, two in rows]
