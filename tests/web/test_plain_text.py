"""A NUL is no text."""

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize("address", ["/offerings/a%00b", "/offerings/?q=a%00b", "/sign-in?next=%00", "/%00"])
def test_a_nul_in_an_address_is_refused_politely(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 400


def test_a_nul_in_a_form_is_refused_and_nothing_is_stored(client: FlaskClient) -> None:
    answer = client.post("/sign-in", data={"email": "a\0b@shop.example", "password": "x"})
    assert answer.status_code == 400
