"""`/console/verification`: sending the licence in, and who may open it."""

from __future__ import annotations

import io

import pytest

from market import accounts, db
from market.accounts import Organization, Role, Verification
from tests.builders.accounts import PASSWORD, a_city, a_member, a_user, an_actor, an_organization
from tests.builders.catalog import a_plan, an_offering
from tests.builders.documents import PDF, a_picture, an_application

UPLOAD = "/console/verification/"


@pytest.fixture
def firm(app):
    """A firm, by its number."""
    with db.transaction():
        a_city()
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


def send(client, data=None, filename="执照.png"):
    """What a browser sends; made by hand, as the test client keeps large bodies in files that it leaves open."""
    token = client.page(UPLOAD).all("input", name="csrf_token")[0].get("value")
    parts = [b'Content-Disposition: form-data; name="csrf_token"\r\n\r\n' + token.encode()]
    if data is not None:
        head = f'Content-Disposition: form-data; name="document"; filename="{filename}"\r\nContent-Type: text/html\r\n\r\n'
        parts.append(head.encode() + data)
    body = b"".join(b"--boundary\r\n" + part + b"\r\n" for part in parts) + b"--boundary--\r\n"
    return client.post(UPLOAD, data=body, content_type="multipart/form-data; boundary=boundary", follow_redirects=True)


def test_a_licence_is_sent_in_and_waits(enter):
    client = enter()
    assert "3 个工作日内核对" in client.page(UPLOAD).text
    sent = send(client, a_picture())
    assert sent.status_code == 200 and "最晚" in sent.get_data(as_text=True)
    page = client.page(UPLOAD)
    assert "核验中" in page.text and "提交了营业执照" in page.text and "换一份材料" in page.text
    assert "核验中" in client.page("/console/organization/").text


@pytest.mark.every_database
@pytest.mark.parametrize(
    ("data", "filename", "said"),
    [
        (None, "", "是空的"), (b"", "执照.png", "是空的"), (b"<script>alert(1)</script>", "执照.png", "只能上传"), (b"MZ" + b"\0" * 500, "执照.pdf", "只能上传"),
        (a_picture() + b"\0" * 6_000_000, "执照.png", "超过 5 MB"), (a_picture()[:-30], "执照.png", "打不开"),
    ],
    ids=["nothing chosen", "empty", "markup", "program", "six megabytes", "cut short"],
)  # fmt: skip
def test_what_cannot_be_used_is_said_in_words(enter, data, filename, said):
    client = enter()
    answer = send(client, data, filename)
    assert answer.status_code == 422 and said in answer.get_data(as_text=True)
    with db.transaction(readonly=True):
        assert db.session.query(Verification).count() == 0


def test_what_is_far_too_large_is_not_even_read(enter):
    assert send(enter(), b"\0" * 20_000_000).status_code == 413


def test_the_file_opens_for_the_firm_and_nobody_else(app, enter, firm):
    client = enter()
    send(client, a_picture(), "../营业<b>执照.html")
    address = next(a.get("href") for a in client.page(UPLOAD).all("a") if (a.get("href") or "").endswith("/document"))
    answer = client.get(address)
    assert answer.data == a_picture() and answer.content_type == "image/png"
    headers = answer.headers
    assert headers["Content-Disposition"].startswith("inline") and ".html" not in headers["Content-Disposition"]
    assert "sandbox" in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in headers["Cache-Control"]
    assert enter(Role.FINANCE).get(address).status_code == 200
    assert enter(Role.TECHNICIAN).get(address).status_code == 403
    with db.transaction():
        stranger = a_member(an_organization()).email
    other = app.test_client()
    assert other.get(address).status_code == 303
    other.sign_in(stranger, PASSWORD)
    assert other.get(address).status_code == 404


def test_a_pdf_is_saved_not_shown(enter):
    client = enter()
    send(client, PDF, "执照.pdf")
    address = next(a.get("href") for a in client.page(UPLOAD).all("a") if (a.get("href") or "").endswith("/document"))
    assert client.get(address).headers["Content-Disposition"].startswith("attachment")


def test_a_refusal_is_read_word_for_word_and_answered(enter, firm):
    client = enter()
    with db.transaction():
        organization, office = db.session.get_one(Organization, firm), a_user()
        application = an_application(organization, user=a_member(organization))
        accounts.refuse_verification(
            application, reason="照片看不清。<b>重拍</b>", user=office, by=an_actor(office), at=application.submitted_at
        )
    page = client.page(UPLOAD)
    assert "照片看不清。<b>重拍</b>" in page.text and "未通过核验" in page.text
    assert client.page("/console/").follow("看原因，重新提交").heading == "企业核验"
    assert send(client, a_picture()).status_code == 200


def test_only_owners_send(enter):
    assert "由企业的老板（所有者）提交" in enter(Role.FINANCE).page(UPLOAD).text
    assert send_as(enter(Role.FINANCE)) == 403


def send_as(client):
    token = client.page("/console/organization/").all("input", name="csrf_token")[0].get("value")
    return client.post(UPLOAD, data={"csrf_token": token, "document": (io.BytesIO(PDF), "a.pdf")}).status_code


def test_without_a_check_one_estimates_subscribes_and_tries_out(enter, firm):
    with db.transaction():
        offering = an_offering(slug="trial", plans=False)
        a_plan(offering, monthly="99.00", trial_days=14)
    client = enter()
    assert "99" in client.page("/offerings/trial").text
    done = client.page("/offerings/trial/subscribe").submit(button="确认订阅", agree="y")
    assert "已收到您的订阅" in done.heading
    assert "还没有核验" in client.page("/console/organization/").text
