"""`/console/organization`: the firm's own facts, alone and when two people edit them."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from market import db
from market.accounts import CheckStatus, Organization, Role
from tests.builders.accounts import PASSWORD, a_city, a_member, an_organization


@pytest.fixture
def firm(app):
    """A firm in 广州, by its number."""
    with db.transaction():
        a_city(), a_city("440300", "深圳市", "Shenzhen")
        return an_organization(name="示例五金", city_code="440100").id


@pytest.fixture
def enter(app, firm):
    """`anna = enter(Role.OWNER)`: somebody of that firm."""

    def entered(role=Role.OWNER):
        with db.transaction():
            email = a_member(db.session.get_one(Organization, firm), role).email
        client = app.test_client()
        client.sign_in(email, PASSWORD)
        return client

    return entered


def stored(id):
    with db.transaction(readonly=True):
        return db.session.get_one(Organization, id)


def test_facts_size_and_check_stand_on_one_page(enter, firm):
    page = enter().page("/console/organization/")
    assert "广州市" in page.text and "还没有核验" in page.text and "看到贵企业是微型、小型还是中型" in page.text
    saved = page.follow("修改资料").submit(button="保存企业资料", industry="software", staff="120", revenue_fen="900")
    assert "企业资料已保存" in saved.text
    assert "小型企业" in saved.text and "员工 120 人达到中型，营业收入 900 万元为小型，按规则取小型" in saved.text
    assert "900 万元" in saved.text and "资产总额" not in saved.text


def test_who_only_mends_a_fact_goes_back_to_where_she_was(enter, firm):
    back = "/console/subscriptions/?show=ended"
    page = enter().page(f"/console/organization/edit?next={quote(back)}")
    assert page.one("input", id="organization_name").get("value"), "what is known stands in the boxes"
    assert page.submit(button="保存企业资料", phone="0757-8").response.request.full_path == back
    away = enter().page("/console/organization/edit?next=https://elsewhere.example/")
    assert away.submit(button="保存企业资料", phone="0757-9").path == "/console/organization/"


def test_the_page_answers_while_somebody_types(enter, firm):
    page = enter().page("/console/organization/edit?industry=construction&revenue_fen=90000&assets_fen=1")
    assert "资产总额 1 万元为微型" in page.text
    assert stored(firm).industry is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [({"organization_name": ""}, "填写企业名称"), ({"organization_name": "长" * 200}, "最多 120 个字"), ({"code": "１２３"}, "现在是 3 位"),
     ({"city_code": "999999"}, "选择企业所在的地市"), ({"staff": "٣٤"}, "写成 120 的样子"), ({"revenue_fen": "九百"}, "按万元填"),
     ({"industry": "x"}, "选择列表里的行业"), ({"version": "9" * 400}, "两边都改了")],
)  # fmt: skip
def test_what_cannot_be_saved_is_said_in_words(enter, firm, typed, said):
    page = enter().page("/console/organization/edit").submit(button="保存企业资料", **{"phone": "0757-1"} | typed)
    assert page.status in (409, 422) and said in page.text
    assert stored(firm).version == 1


def test_everything_wrong_is_said_in_one_round(enter, firm):
    """What a box must hold and what the code's digits say, together; what was typed stays."""
    page = enter().page("/console/organization/edit").submit(organization_name="", code="91350100M000100Y44", phone="0757-8")
    assert page.status == 422
    assert {box.get("name") for box in page.all("input", **{"aria-invalid": "true"})} == {"organization_name", "code"}
    assert page.one("input", name="code").get("value") == "91350100M000100Y44"
    assert page.one("input", name="phone").get("value") == "0757-8"


@pytest.mark.every_database
def test_two_people_edit_and_the_second_chooses(enter, firm):
    first, second = (enter().page("/console/organization/edit") for _ in range(2))
    first.submit(button="保存企业资料", staff="120", city_code="440300")
    both = second.submit(button="保存企业资料", staff="80", phone="0757-88880000")
    assert both.status == 409 and both.heading == "两边都改了企业资料"
    for words in ("120 人", "80 人", "深圳市", "广州市", "0757-88880000"):
        assert words in both.text
    # What she had not touched herself stays as the other one saved it, unless she says otherwise.
    ticked = {(box.get("name"), box.get("value")) for box in both.all("input", type="radio") if box.get("checked") is not None}
    assert ticked == {("keep-staff", "mine"), ("keep-city_code", "theirs"), ("keep-phone", "mine")}
    assert "企业资料已保存" in both.submit(button="按选的保存").text
    kept = stored(firm)
    assert (kept.staff, kept.city_code, kept.phone, kept.version) == (80, "440300", "0757-88880000", 3)


def test_a_third_who_saves_while_the_second_chooses_is_shown_too(enter, firm):
    pages = [enter().page("/console/organization/edit") for _ in range(3)]
    pages[0].submit(button="保存企业资料", staff="120")
    both = pages[1].submit(button="保存企业资料", staff="80")
    pages[2].submit(button="保存企业资料", staff="7").submit(button="按选的保存")
    again = both.submit(button="按选的保存")
    assert again.status == 409 and "7 人" in again.text and "80 人" in again.text
    again.submit(button="按选的保存", **{"keep-staff": "theirs"})
    assert stored(firm).staff == 7


def test_a_new_name_asks_for_a_new_check(enter, firm):
    with db.transaction():
        db.session.get_one(Organization, firm).check_status = CheckStatus.VERIFIED
    page = enter().page("/console/organization/edit")
    assert "改名称或代码会让现在的核验失效" in page.text
    saved = page.submit(button="保存企业资料", organization_name="示例新五金")
    assert "请上传新的营业执照重新核验" in saved.text and "重新核验" in saved.text
    assert stored(firm).check_status is CheckStatus.EXPIRED


def test_markup_is_no_name_and_stays_text(enter, firm):
    told = enter().page("/console/organization/edit").submit(button="保存企业资料", organization_name="<script>alert(1)</script>")
    assert told.status == 422 and "<script>alert" not in told.html
    assert told.one("input", name="organization_name").get("value") == "<script>alert(1)</script>"


def test_others_read_and_do_not_edit(enter, firm):
    assert "修改资料" not in enter(Role.FINANCE).page("/console/organization/").text
    assert enter(Role.FINANCE).get("/console/organization/edit").status_code == 403
    assert enter(Role.TECHNICIAN).get("/console/organization/").status_code == 403
