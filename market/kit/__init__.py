"""Kit: the values everything else is built from. Pure; knows no database, no request, no clock.

Owns        money, period, lifecycle, quantity, and the one rounding rule.
Not here    prices (rating), anything with a row or a page.
Invariants  money is integer fen; quantities are Decimal with at most six places; periods are aware and half-open;
            a refused value is a `Refusal` (a ValueError) with `.code`, a Chinese gettext `.message` and `.params`.

    from market.kit import lifecycle, money, period, quantity

    money.fen(exact: Fraction | Decimal | int) -> int               yuan → fen, half up, once
    money.yuan(fen) -> Decimal          money.text(fen) -> "1,234.56"
    money.parse_yuan("1,234.56") -> fen                             InvalidAmount
    money.split(total_fen, weights) -> list[int]                    largest remainder
    money.net_and_tax(gross_fen, rate: Decimal) -> (net, tax)
    money.capital(fen) -> "人民币贰佰壹拾肆元叁角陆分"

    period.SHANGHAI                     period.Interval = Literal["month", "year"]
    period.Period(start, end)           .days .first_day .last_day .length .is_month .label (properties)
                                        .contains(at) .clip(other) -> Period | None .next() .previous()
    period.month("2026-10")  period.month_of(at)  period.days(first, last)  period.since(start, until=None)
    period.local_midnight(date) -> datetime          period.local_day(at) -> date
    period.anchored(anchor: date, n, interval) -> Period
    period.anchored_day(anchor, n, interval) -> date
    period.anchored_at(anchor, at, interval) -> (n, Period)

    lifecycle.Lifecycle({S.A: [S.B], S.B: []})   .initial .states .final (properties) .edges() .targets(from_)
                                                 .allows(from_, to) .check(from_, to) .move(thing, to)
    lifecycle.IllegalMove                        .from_ .to

    quantity.parse(value: object) -> Decimal     NotANumber, TooManyDecimals, TooLarge (codes in snake case)
    quantity.round6(Fraction) -> Decimal         quantity.text(Decimal) -> str    quantity.places(Decimal) -> int
    quantity.measure("20", "order") -> "20 orders"
"""
