"""Yueqi Cloud Market: a marketplace where small firms buy metered cloud services.

Domains know the business and no HTTP; faces know HTTP and no business. Imports point down this list, never up.

    app            create_app(): config → db → web → faces → commands
    cli            the `market` command
    storefront     public: home, search, compare, offering, provider, solution, register
    console        a subscribing enterprise: subscriptions, usage, budgets, bills, fapiao, team
    vendor         a provider: offerings, plans, meters, keys, events, customers, revenue, payouts
    admin          administrators: reviews, recommended, verification, vouchers, complaints, audit, adoption
    api            machines: usage, catalog, subscriptions, webhooks in, OpenAPI
    web            what faces share: login, guards, filters, paging, errors

    notifications  hears signals; e-mail, signed webhooks, in-app messages
    search         the index: a projection of the catalog behind one small interface
    recommended    the recommended catalog: nomination, decision, expiry
    dunning        reminders, suspension and going on by stated steps when a bill is not paid
    ledger         double-entry books of bills, payments, credits, balances and refunds
    payments       Payment, Refund, the gateways
    budgets        what a month may come to, reservations by providers, alerts
    billing        Bill, BillLine, CreditNote, numbering
    metering       usage events and their aggregation
    subscriptions  orders, Subscription, provisioning
    catalog        Category, Offering, OfferingRevision, Plan, Charge, Meter, Solution
    providers      provider profile, certificates, commission terms
    accounts       User, Organization, Membership, ApiKey
    audit          who did what to which thing, append-only, hash-chained

    rating         pure arithmetic: charge models, proration, tax split
    db, errors, config, resources
    kit            pure values: money, period, lifecycle, quantity
    late           libraries that are loaded when they are first asked for
"""

import gc

# Starting makes some three hundred thousand objects that stay; looking through them for garbage meanwhile would be a
# tenth of what it takes. Who has loaded all that it needs sets its own measure (market.cli, market.server).
gc.set_threshold(500_000, 20, 20)
