"""The provider's queue of fapiao: recording one, refusing one, red letters, and the letters about them."""

from __future__ import annotations

from io import BytesIO

import pytest

from market import db
from market.accounts import Role
from market.billing import fapiao
from market.notifications import Email
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.documents import PDF
from tests.builders.fapiao import a_billed_firm, a_request, a_wanted_red, number, recorded, seen
from tests.support.client import Client


@pytest.fixture
def asked(client: Client) -> fapiao.FapiaoRequest:
    """A firm has asked for ¥106.00; the provider's accountant has signed in."""
    with db.transaction():
        provider = a_provider(name="示例服务商")
        for role in (Role.FINANCE, Role.DEVELOPER):
            a_member(provider.organization, role, user=a_user(email=f"{role}@example.com"))
        firm = an_organization(name="示例五金制品有限公司")
        found = a_request(a_billed_firm(a_plan(an_offering(provider, plans=False), monthly="106.00"), firm=firm))
    client.sign_in("finance@example.com", PASSWORD)
    return found


def letters(event: str) -> list[Email]:
    with db.transaction(readonly=True):
        return db.session.query(Email).filter(Email.key.startswith(event)).order_by(Email.id).all()


def test_the_queue_leads_to_what_to_write_and_takes_the_paper(client: Client, asked: fapiao.FapiaoRequest) -> None:
    page = client.page("/vendor/")
    assert "有 1 张发票要开" in page.text
    page = page.follow("去开票")
    assert "要开的（1）" in page.text and "已超时（1）" in page.text  # the clock says 20 November, it was due on the 16th
    page = page.follow("示例五金制品有限公司")
    for words in ("91350100M000100Y43", "106.00", "100.00", "6%", "增值税专用发票", "已超时"):
        assert words in page.text
    page = page.submit(f"/vendor/fapiao/{asked.id}/take")
    assert "开票中" in page.text
    wrong = page.submit(f"/vendor/fapiao/{asked.id}/issue", number="123", issued_on="2026-11-10", amount_fen="160", document=[(BytesIO(b"MZ"), "发票.pdf")])
    for words in ("应为 20 位，现在是 3 位", "价税合计应为 ¥106.00，您填的是 ¥160.00", "只能上传 PDF、OFD 或 XML"):
        assert words in wrong.text
    done = page.submit(
        f"/vendor/fapiao/{asked.id}/issue", number=number(1), issued_on="2026-11-10", amount_fen="106.00", document=[(BytesIO(PDF), "../发票.pdf")]
    )
    assert "已开具" in done.text and number(1) in done.text
    assert "通知在“我的邮件”里" in client.page("/vendor/fapiao/").text  # nothing waits, and no letter leaves
    assert client.get(done.link("下载")).data == PDF
    (letter,) = letters("fapiao_issued")
    assert "¥106.00" in letter.subject and f"/console/fapiao/{asked.id}" in letter.body
    assert [each.recipient for each in letters("fapiao_requested")] == ["finance@example.com"]


def test_a_refusal_needs_a_reason_and_words(client: Client, asked: fapiao.FapiaoRequest) -> None:
    page = client.page(f"/vendor/fapiao/{asked.id}")
    wrong = page.submit(f"/vendor/fapiao/{asked.id}/refuse", reason="credited", explanation=" ")
    assert "选择一个原因" in wrong.text and "写明哪里不对" in wrong.text
    done = page.submit(f"/vendor/fapiao/{asked.id}/refuse", reason="title", explanation="税号少 1 位")
    assert "没开成：抬头或税号有误" in done.text
    (letter,) = letters("fapiao_refused")
    assert "税号少 1 位" in letter.body and "改好抬头" in letter.body


def test_a_red_letter_is_recorded_on_its_own_page(client: Client, asked: fapiao.FapiaoRequest) -> None:
    with db.transaction():
        request = recorded(seen(db.session.merge(asked)))
        red = a_wanted_red(request, gross_fen=10600, net_fen=10000)
    page = client.page("/vendor/fapiao/").follow("要开红字的（1）").follow("示例五金制品有限公司").follow("登记红字发票")
    assert "¥106.00" in page.text and "销售折让" in page.text
    action = f"/vendor/fapiao/{asked.id}/reds/{red.id}"
    wrong = page.submit(action, number=number(5), issued_on="2026-11-09", amount_fen="106", document=None)
    assert "开票日期不能早于 2026-11-10" in wrong.text
    done = page.submit(action, number=number(5), issued_on="2026-11-12", amount_fen="106", document=None)
    assert "已红冲" in done.text and "−106.00" in done.text


def test_a_mistyped_number_is_put_right_on_its_own_page(client: Client, asked: fapiao.FapiaoRequest) -> None:
    with db.transaction():
        request = recorded(seen(db.session.merge(asked)), number(3))
        assert request.blue is not None
        path = f"/vendor/fapiao/{asked.id}/papers/{request.blue.id}/mend"
    page = client.page(f"/vendor/fapiao/{asked.id}").follow("号码或日期登记错了")
    wrong = page.submit(path, number=number(3), issued_on="2026-11-10", explanation="")
    for words in ("没有要改的", "写明为什么改"):
        assert words in wrong.text
    done = wrong.submit(path, number=number(4), issued_on="2026-11-10", explanation="把 4 看成了 3")
    for words in ("已改正", f"号码由 {number(3)} 改为 {number(4)}", "把 4 看成了 3"):
        assert words in done.text
    (letter,) = letters("fapiao_mended")
    assert number(3) in letter.body and number(4) in letter.subject


def test_developers_see_none_of_it_and_nobody_anothers_file(client: Client, asked: fapiao.FapiaoRequest) -> None:
    with db.transaction():
        request = recorded(seen(db.session.merge(asked)))
        stranger = a_provider(name="别的服务商")
        a_member(stranger.organization, Role.FINANCE, user=a_user(email="stranger@example.com"))
    path = f"/vendor/fapiao/{request.id}/papers/{request.papers[0].id}/document"
    assert client.get(path).status_code == 200
    client.sign_in("developer@example.com", PASSWORD)
    assert client.get(path).status_code == 403
    client.sign_in("stranger@example.com", PASSWORD)
    assert client.get(path).status_code == 404
