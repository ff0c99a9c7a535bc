"""Settings from the environment, and the clock."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How to reach the marketplace, and where to listen and store."""

    market_url: str
    api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    source: str
    data_dir: Path
    host: str
    port: int
    public_url: str
    largest_object: int
    clock_file: Path | None

    @classmethod
    def from_env(cls) -> Settings:
        """Read the environment; ends the program with a sentence for what is missing."""
        env = os.environ
        needed = ("MARKET_URL", "API_KEY", "WEBHOOK_SECRET", "SOURCE", "DATA_DIR")
        missing = [name for name in needed if not env.get(name)]
        if missing:
            sys.exit(f"Set {', '.join(missing)}; examples/provider/README.md says what each is.")
        host, port = env.get("HOST", "127.0.0.1"), int(env.get("PORT", "8001"))
        clock_file = env.get("CLOCK_FILE")
        return cls(
            market_url=env["MARKET_URL"].rstrip("/"),
            api_key=env["API_KEY"],
            webhook_secret=env["WEBHOOK_SECRET"],
            source=env["SOURCE"],
            data_dir=Path(env["DATA_DIR"]).resolve(),
            host=host,
            port=port,
            public_url=env.get("PUBLIC_URL", f"http://{host}:{port}").rstrip("/"),
            largest_object=int(env.get("LARGEST_OBJECT_MB", "1024")) * 1_000_000,
            clock_file=Path(clock_file) if clock_file else None,
        )

    def now(self) -> datetime:
        """The present instant. A test clock is a file with an ISO instant; time stands still until it is rewritten."""
        if self.clock_file:
            try:
                return datetime.fromisoformat(self.clock_file.read_text().strip()).astimezone(UTC)
            except FileNotFoundError:
                pass
        return datetime.now(UTC)
