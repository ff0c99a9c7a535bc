"""A NUL is no text."""

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize("address", ["/offerings/a%00b", "/api/v1/offerings?page=a%00b", "/%00"])
def test_a_nul_in_an_address_is_refused_politely(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 400


@pytest.mark.parametrize(
    ("address", "without"),
    [("/offerings/?q=a%00b&cert=1&cert=%C3%A4", "/offerings/?q=ab&cert=1&cert=%C3%A4"), ("/sign-in?next=%00", "/sign-in?next=")],
)
def test_a_page_is_shown_without_the_nul_in_its_parameters(client: FlaskClient, address: str, without: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.headers["Location"]) == (303, without)
    away = client.get("/?q=%00", environ_overrides={"PATH_INFO": "//x.example/"})
    assert away.headers["Location"] == "/x.example/?q="


def test_a_nul_in_a_form_is_refused_and_nothing_is_stored(client: FlaskClient) -> None:
    answer = client.post("/sign-in", data={"email": "a\0b@shop.example", "password": "x"})
    assert answer.status_code == 400
