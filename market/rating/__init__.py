"""Rating: what a quantity costs. Pure arithmetic: no database, no clock, no rounding but the last.

Owns        charge terms, rating, its working in words, proration, tax split.
Not here    where quantities come from (metering), which lines a bill has (billing).
Invariants  equal input gives the equal amount for ever; steps add up to the exact amount; one rounding a line;
            parts (segments, nets) add up to their whole.

    from market import rating

    rating.parse(raw: Mapping) -> Terms            charge terms from JSON; InvalidTerms(.field .message .params)
    rating.problems(raw) -> list[InvalidTerms]     all that parse would refuse, for forms
    rating.dump(terms) -> dict                     rating.model_of(terms) -> str    rating.MODELS: tuple[str, ...]
    rating.Terms = Flat | Metered;  Metered = PerUnit | Graduated | Volume | Package | Percentage;  rating.Tier
        Flat(amount, interval, count=1)            PerUnit(unit_price, included=0)
        Graduated(tiers, included=0)               Volume(tiers, included=0)       Tier(up_to, unit_price, flat=0)
        Package(package_size, package_price, included=0)
        Percentage(percent, fee=0, fee_minimum=0, fee_maximum=None, included=0)    of Transactions
        all but Flat: discount=0, minimum=0, maximum=None; all but Percentage: rounding=Rounding.NONE | UP | NEAREST | DOWN
    rating.times(terms, units) -> Terms            for so many units of a plan that is sold by quantity

    rating.rate(terms, used: Decimal | Transactions, *, share: Fraction | Share = 1) -> Rated
        Rated: .exact (Fraction, yuan) .fen; when asked for: .quantity .included .billable .steps .transactions
    rating.Transactions(groups of (count, total)) .count .total .alike(count, total) .of({amount: count}) .dump() .load(raw)
    rating.exact_text(Fraction) -> str             decimal text for the line's exact amount
    rating.dump_steps(steps) -> list[dict]         rating.load_steps(list) -> tuple[Step, ...]

    rating.formula(step, unit="", locale="zh") -> str                       286 GB × ¥0.50
    rating.explain(steps, unit="", locale="zh") -> tuple[str, ...]          286 GB × ¥0.50 = ¥143.00
    rating.describe(terms, unit="", locale="zh") -> tuple[str, ...]         ¥0.50/GB · 每期含 200 GB
    rating.price_text(Decimal) -> "¥0.0125"        rating.number_text(Decimal) -> "1,000.5"

    rating.share(period, active: Period) -> Share(fraction, days, full_days)
    rating.segment_fen(exacts) -> list[int]        fen of consecutive segments; they add up to the rounded whole
    rating.split_tax([(key, gross_fen, rate), …]) -> TaxSplit
        TaxSplit: .groups (key rate gross net tax) .lines (gross net tax, in the order given) .gross .net .tax
"""

from market.rating.numbers import exact_text
from market.rating.proration import WHOLE, Share, segment_fen, share
from market.rating.rated import Rated, rate
from market.rating.reading import MODELS, InvalidTerms, dump, model_of, parse, problems
from market.rating.steps import Step, StepKind, dump_steps, load_steps
from market.rating.tax import TaxedLine, TaxGroup, TaxSplit, split_tax
from market.rating.terms import (
    Flat,
    Graduated,
    Metered,
    Package,
    Percentage,
    PerUnit,
    Rounding,
    Terms,
    Tier,
    Volume,
    times,
)
from market.rating.transactions import Transactions, Used
from market.rating.wording import (
    describe,
    exact_price,
    explain,
    formula,
    number_text,
    percent_text,
    price_text,
)

__all__ = [
    "MODELS",
    "WHOLE",
    "Flat",
    "Graduated",
    "InvalidTerms",
    "Metered",
    "Package",
    "PerUnit",
    "Percentage",
    "Rated",
    "Rounding",
    "Share",
    "Step",
    "StepKind",
    "TaxGroup",
    "TaxSplit",
    "TaxedLine",
    "Terms",
    "Tier",
    "Transactions",
    "Used",
    "Volume",
    "describe",
    "dump",
    "dump_steps",
    "exact_price",
    "exact_text",
    "explain",
    "formula",
    "load_steps",
    "model_of",
    "number_text",
    "parse",
    "percent_text",
    "price_text",
    "problems",
    "rate",
    "segment_fen",
    "share",
    "split_tax",
    "times",
]
