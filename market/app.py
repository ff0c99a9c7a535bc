"""The application: settings → database → web → faces."""

from __future__ import annotations

from flask_openapi3 import Info, OpenAPI

from market import (
    account,
    admin,
    api,
    console,
    db,
    ledger,
    notifications,
    resources,
    search,
    storefront,
    vendor,
    web,
)
from market.config import ROOT, Settings
from market.resources import Clock


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> OpenAPI:
    """The whole marketplace as one WSGI application. Raises ConfigError for settings that cannot work."""
    settings = settings or Settings.from_env()
    resources.install(settings, with_clock=clock)
    db.connect(settings.database_url)
    ledger.listen()
    search.listen()
    notifications.listen()
    app = OpenAPI(
        "market",
        info=Info(title=settings.site_name_en, version="1"),
        doc_prefix="/api",
        doc_url="/openapi.json",
        doc_ui=False,
        root_path=str(ROOT),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    api.open_lane(app)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(ROOT / "market" / "translations")
    web.init_app(app, settings)
    for face in (storefront, account, console, vendor, admin):
        app.register_blueprint(face.bp)
    api.init_app(app)
    return app
