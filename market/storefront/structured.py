"""What pages say to machines in JSON-LD: an offering with its prices, and where it stands."""

from __future__ import annotations

from typing import Any

from flask import url_for

from market import catalog, rating, resources
from market.catalog import Charge, Offering, Plan
from market.kit import quantity
from market.providers import Provider
from market.quality import Summary
from market.storefront import prices
from market.web import formats
from market.web.locale import site_name
from market.web.translation import gettext as _

#: UN/CEFACT codes of the intervals of fixed fees.
_INTERVALS = {"month": "MON", "year": "ANN"}


def address(path: str) -> str:
    """A page's full address, the same whatever name the visitor came by."""
    return resources.settings.base_url + path


def product(offering: Offering, summary: Summary) -> dict[str, Any]:
    """The offering as a schema.org Product; each plan is an Offer with its fees and unit prices.

    It has a rating only where firms that use it have written reviews.
    """
    facts = catalog.shown_revision(offering).facts
    said: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": formats.local(facts, "name"),
        "description": formats.local(facts, "tagline"),
        "category": formats.local(offering.category, "name"),
        "sku": offering.slug,
        "url": address(url_for("storefront.offerings.show", slug=offering.slug)),
        "brand": {"@type": "Organization", "name": formats.local(offering.provider, "name")},
        "offers": [_offer(offering, plan) for plan in offering.live_plans],
    }
    if summary.count:
        said["aggregateRating"] = {
            "@type": "AggregateRating", "ratingValue": f"{summary.mean}", "reviewCount": summary.count, "bestRating": 5, "worstRating": 1,
        }  # fmt: skip
    return said


def crumbs(trail: list[tuple[str, str]], offering: Offering) -> dict[str, Any]:
    """Where an offering's page stands."""
    return steps(trail, url_for("storefront.offerings.show", slug=offering.slug))


def steps(trail: list[tuple[str, str]], own: str) -> dict[str, Any]:
    """Where a page stands; the last step of `trail`, without address, is the page itself."""
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": label, "item": address(path or own)}
            for place, (label, path) in enumerate(trail, 1)
        ],
    }


def organization() -> dict[str, Any]:
    """This marketplace."""
    return {
        "@context": "https://schema.org",
        "@type": "Organization",
        "name": site_name(),
        "url": address(url_for("storefront.home.index")),
    }


def seller(provider: Provider) -> dict[str, Any]:
    """A provider as a schema.org Organization: legal name, code and how to reach it, as far as it tells."""
    said = {
        "@context": "https://schema.org",
        "@type": "Organization",
        "name": formats.local(provider, "name"),
        "legalName": provider.organization.name,
        "taxID": provider.organization.uscc,
        "description": formats.local(provider, "summary"),
        "url": address(url_for("storefront.providers.show", slug=provider.slug)),
        "telephone": provider.phone,
        "email": provider.email,
        "sameAs": provider.website,
    }
    return {name: value for name, value in said.items() if value}


def _offer(offering: Offering, plan: Plan) -> dict[str, Any]:
    sold = "InStock" if catalog.can_be_bought(offering) else "Discontinued"
    return {
        "@type": "Offer",
        "name": formats.local(plan, "name"),
        "priceCurrency": "CNY",
        "availability": f"https://schema.org/{sold}",
        "seller": {"@type": "Organization", "name": formats.local(offering.provider, "name")},
        "priceSpecification": [_price(charge) for charge in plan.charges],
    }


def _price(charge: Charge) -> dict[str, Any]:
    terms = rating.parse(charge.terms)
    said: dict[str, Any] = {
        "@type": "UnitPriceSpecification",
        "name": formats.local(charge, "name"),
        "priceCurrency": "CNY",
        "valueAddedTaxIncluded": True,
    }
    match terms:
        case rating.Flat():
            said["price"] = f"{terms.amount:.2f}"
            if terms.interval in _INTERVALS:
                said |= {"billingDuration": 1, "unitCode": _INTERVALS[terms.interval]}
        case rating.PerUnit():
            said |= {"price": quantity.text(terms.unit_price), "unitText": prices.unit_of(charge)}
        case rating.Package():
            size = {"@type": "QuantitativeValue", "value": quantity.text(terms.package_size), "unitText": prices.unit_of(charge)}
            said |= {"price": f"{terms.package_price:.2f}", "referenceQuantity": size}
        case rating.Percentage():
            said |= {"price": quantity.text(terms.fee), "unitText": "transaction", "description": _conditions(charge, terms)}
        case rating.Graduated() | rating.Volume():
            said |= {"price": quantity.text(terms.tiers[0].unit_price), "unitText": prices.unit_of(charge)}
    return said


def _conditions(charge: Charge, terms: rating.Terms) -> str:
    """The price in words, where no figure alone says it."""
    return _("；").join(rating.describe(terms, prices.unit_of(charge), formats.language()))
