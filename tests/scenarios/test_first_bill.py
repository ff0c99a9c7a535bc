"""The first bill, from subscribing to a paper that can be worked out again by hand."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from market import billing
from market.billing import Bill, BillView
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import a_subscription
from tests.scenarios.stories import a_story, a_usual_october

pytestmark = pytest.mark.usefixtures("session")

GOLDEN = Path(__file__).parent.parent / "golden"


def first_bill() -> Bill:
    story = a_story()
    a_usual_october(story)
    plan = a_plan(yearly="1200.00", once="300.00", name_zh="企业版", name_en="Business")
    plan.charges[1].tax_rate = "0.13"
    a_subscription(plan, organization=story.organization, user=story.owner, started_at=moment("2026-10-12 09:00"))
    bill = an_issued_bill(story.organization, OCTOBER)
    return billing.bill_of(story.organization, bill.id)


def seen(locale: str) -> BillView:
    bill = first_bill()
    return billing.view(bill, locale, receipts=[billing.Receipt(10_000, date(2026, 11, 6), "示例五金制品有限公司")])


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_bill_reads_as_agreed(locale: str) -> None:
    """UPDATE_GOLDEN=1 writes the files anew; read the difference before you commit it."""
    view = asdict(seen(locale)) | {"issued_on": "2026-11-04"}
    for group in view["groups"]:
        if "示例服务商" in group["seller"] or "Sample Provider" in group["seller"]:
            group["seller"] = group["seller_code"] = ""
        for row in group["rows"]:
            row["subscription"] = ""
            del row["id"]
    text = json.dumps(view, ensure_ascii=False, indent=1) + "\n"
    file = GOLDEN / f"first_bill.{locale}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_every_word_and_figure_of_the_view_stands_in_the_pdf(locale: str) -> None:
    view = seen(locale)
    reader = PdfReader(BytesIO(billing.pdf(view)))
    printed = "".join("".join(page.extract_text().split()) for page in reader.pages)
    missing = [text for text in _shown(asdict(view)) if "".join(text.split()) not in printed]
    assert not missing
    assert reader.metadata is not None
    assert reader.metadata.title == f"{view.title} BL-202610-000001"


def _shown(view: dict[str, Any]) -> list[str]:
    """All that the paper must say."""
    left_out = {"status", "locale", "subscription"} | ({"capital"} if view["locale"] == "en" else set())
    texts: list[str] = []

    def collect(value: Any, key: str = "") -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                if name != "texts":
                    collect(inner, name)
        elif isinstance(value, list | tuple):
            for inner in value:
                collect(inner, key)
        elif isinstance(value, str) and value and key not in left_out:
            texts.append(value)

    collect(view)
    return texts


def test_the_same_bill_is_the_same_file() -> None:
    view = seen("zh")
    assert billing.pdf(view) == billing.pdf(view)


def test_what_a_firm_is_called_cannot_set_type() -> None:
    story = a_story()
    story.organization.name = '#set text(size: 99pt); #"$x$ \\ *示例*'
    bill = an_issued_bill(story.organization, OCTOBER)
    view = billing.view(billing.bill_of(story.organization, bill.id), "zh")
    printed = "".join(PdfReader(BytesIO(billing.pdf(view))).pages[0].extract_text().split())
    assert "".join(story.organization.name.split()) in printed


def test_all_amounts_by_hand() -> None:
    bill = first_bill()
    by_charge = {line.label["charge_zh"]: line.gross_fen for line in bill.lines}
    mean = 800 * 30 / 31  # stored from 2 October on: 774.193548 GB
    assert by_charge["月费"] == 9900
    assert by_charge["备份空间"] == round((round(mean, 6) - 500) * 12) == 3290
    assert by_charge["外网流量"] == (365 - 200) * 50 == 8250
    assert by_charge["访问次数"] == 753  # of 81.672 beyond 100: 50 × 0.10 + 31.672 × 0.08 = 7.53376
    assert bill.gross_fen == 9900 + 3290 + 8250 + 753 + 120_000 + 30_000
