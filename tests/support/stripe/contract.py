"""Whether Stripe would take a request: it is walked through the TypedDicts that the SDK ships for its parameters.

Required and unknown names, literals, whole numbers and truth values. Where the SDK types a word as `Literal[…] | str`,
only the words named count: the rest is there for words to come, and today's Stripe refuses them.
"""

from __future__ import annotations

import sys
import types
import typing
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import typing_extensions
from stripe import _request_options, params
from stripe.params import checkout

#: What each address takes; `*` stands for a number of Stripe's.
ADDRESSES: dict[str, Any] = {
    "POST /v1/customers": params.CustomerCreateParams,
    "POST /v1/checkout/sessions": checkout.SessionCreateParams,
    "GET /v1/checkout/sessions": checkout.SessionListParams,
    "GET /v1/checkout/sessions/*": checkout.SessionRetrieveParams,
    "POST /v1/checkout/sessions/*/expire": checkout.SessionExpireParams,
    "POST /v1/payment_intents": params.PaymentIntentCreateParams,
    "GET /v1/payment_intents": params.PaymentIntentListParams,
    "GET /v1/payment_intents/*": params.PaymentIntentRetrieveParams,
    "POST /v1/payment_intents/*/cancel": params.PaymentIntentCancelParams,
    "POST /v1/payment_methods/*/detach": params.PaymentMethodDetachParams,
    "POST /v1/refunds": params.RefundCreateParams,
    "GET /v1/refunds": params.RefundListParams,
    "GET /v1/refunds/*": params.RefundRetrieveParams,
    "GET /v1/charges/*": params.ChargeRetrieveParams,
    "GET /v1/disputes": params.DisputeListParams,
    "GET /v1/disputes/*": params.DisputeRetrieveParams,
    # What the market never asks: the buyers' and the account's own part of the journeys.
    "GET /v1/customers": params.CustomerListParams,
    "DELETE /v1/customers/*": params.CustomerDeleteParams,
    "POST /v1/payment_methods/*/attach": params.PaymentMethodAttachParams,
    "GET /v1/payment_methods/*": params.PaymentMethodRetrieveParams,
    "POST /v1/disputes/*": params.DisputeUpdateParams,
    "GET /v1/events": params.EventListParams,
}
#: Words that Stripe has not taken since 2026-09-30.endive, with its own answer.
REMOVED = {"payment_method_types": "payment_method_types_no_longer_supported"}
_OPTIONS = set(_request_options.RequestOptions.__annotations__)


class Refusal(Exception):
    """What Stripe would say: a code, the parameter, and words."""

    def __init__(self, code: str, param: str, message: str) -> None:
        self.code, self.param, self.message = code, param, message
        super().__init__(f"{code} {param}: {message}")


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=x` as dictionaries; lists are dictionaries of their places here."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        keys = name.replace("]", "").split("[")
        place = found
        for key in keys[:-1]:
            place = place.setdefault(key or str(len(place)), {})
        place[keys[-1] or str(len(place))] = value
    return found


def check(address: str, sent: dict[str, Any]) -> dict[str, Any]:
    """The parameters with their types. Raises Refusal."""
    kind = ADDRESSES.get(address)
    if kind is None:
        raise Refusal("url_invalid", "", f"nothing of ours is at {address}")
    return _dictionary(kind, sent, "")


@lru_cache(maxsize=200)
def _hints(kind: Any) -> dict[str, Any]:
    # The options of a call, which every one of these types has, name a class that is only there for type checkers.
    names = {"StripeContext": object} | vars(_request_options) | vars(sys.modules[kind.__module__])
    return get_type_hints(kind, globalns=names, include_extras=True)


def _dictionary(kind: Any, sent: dict[str, Any], path: str) -> dict[str, Any]:
    hints = {name: hint for name, hint in _hints(kind).items() if path or name not in _OPTIONS}
    for name in sent:
        if name in REMOVED:
            raise Refusal(REMOVED[name], name, "This parameter is no longer supported.")
        if name not in hints:
            raise Refusal("parameter_unknown", path + name, f"Received unknown parameter: {path}{name}")
    for name, hint in hints.items():
        optional = get_origin(hint) in (typing.NotRequired, typing_extensions.NotRequired)
        if not optional and name not in sent:
            raise Refusal("parameter_missing", path + name, f"Missing required param: {path}{name}.")
    return {name: _value(hints[name], value, path + name) for name, value in sent.items()}


def _value(hint: Any, value: Any, path: str) -> Any:
    origin = get_origin(hint)
    if origin in (typing.NotRequired, typing_extensions.NotRequired, typing.Required, typing_extensions.Required):
        return _value(get_args(hint)[0], value, path)
    if origin in (Union, types.UnionType):
        return _one_of(list(get_args(hint)), value, path)
    if origin in (Literal, typing_extensions.Literal):
        if value not in get_args(hint):
            raise Refusal("parameter_invalid_enum", path, f"{value!r} is not one of {get_args(hint)}")
        return value
    if origin is list:
        if not isinstance(value, dict):
            raise Refusal("parameter_invalid", path, "Invalid array")
        return [_value(get_args(hint)[0], each, f"{path}[{place}]") for place, each in value.items()]
    if origin is dict:
        if not isinstance(value, dict):
            raise Refusal("parameter_invalid", path, "Invalid hash")
        return {key: _value(get_args(hint)[1], each, f"{path}[{key}]") for key, each in value.items()}
    if is_typeddict(hint) or typing_extensions.is_typeddict(hint):
        if not isinstance(value, dict):
            raise Refusal("parameter_invalid", path, "Invalid object")
        return _dictionary(hint, value, f"{path}.")
    return _plain(hint, value, path)


def _one_of(hints: list[Any], value: Any, path: str) -> Any:
    if any(get_origin(hint) is Literal for hint in hints) and not isinstance(value, dict):
        hints = [hint for hint in hints if hint is not str]
    refused: Refusal | None = None
    for hint in hints:
        try:
            return _value(hint, value, path)
        except Refusal as refusal:
            refused = refusal
    assert refused is not None
    raise refused


def _plain(hint: Any, value: Any, path: str) -> Any:
    if isinstance(value, dict):
        raise Refusal("parameter_invalid", path, "Invalid value")
    if hint is int:
        if not value.lstrip("-").isdecimal():
            raise Refusal("parameter_invalid_integer", path, f"Invalid integer: {value}")
        return int(value)
    if hint is bool:
        if value not in ("true", "false"):
            raise Refusal("parameter_invalid_boolean", path, f"Invalid boolean: {value}")
        return value == "true"
    if hint is str:
        return value
    raise Refusal("parameter_invalid", path, f"not a plain value: {hint}")
