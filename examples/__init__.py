"""Programs beside the marketplace that talk to it over HTTP only."""
