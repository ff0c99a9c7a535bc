"""What tests share: databases, pages, the browser, a mail sink. Builders of domain things are in `tests/builders`."""
