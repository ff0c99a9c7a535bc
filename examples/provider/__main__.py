"""`python -m examples.provider`: serve customers, set them up, report their usage."""

from __future__ import annotations

import signal
import sys
import threading

from examples.provider import objects
from examples.provider.outbox import Sender
from examples.provider.provisioning import Clerk
from examples.provider.server import Server
from examples.provider.settings import Settings
from examples.provider.store import Store


def main() -> None:
    """Run until SIGTERM or Ctrl-C. Being killed instead costs nothing but the requests under way."""
    settings = Settings.from_env()
    store, stopping = Store(settings.data_dir), threading.Event()
    objects.sweep(store)
    sender, clerk = Sender(settings, store, stopping), Clerk(settings, store, stopping)
    try:
        server = Server(settings, store, clerk, sender)
    except OSError as error:
        sys.exit(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Set PORT to a free one.")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threads = [sender, clerk, threading.Thread(target=server.serve_forever, name="server")]
    for thread in threads:
        thread.start()
    stopping.wait()
    server.shutdown()
    for event in (store.news, clerk.wake):
        event.set()
    for thread in threads:
        thread.join(25)
    server.server_close()


main()
