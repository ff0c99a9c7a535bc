"""`python -m market.cli` is the same as `market`."""

from market.cli import main

main()
