"""The server that the door and the page run in: uvicorn, in a thread of its own."""

import threading
import time
from contextlib import suppress

import uvicorn

from finetune.door.budget import Budget
from finetune.door.connection import limited
from finetune.errors import BusyError

STARTS_WITHIN_S = 30.0
IDLE_S = 15
"""A connection on which nothing is asked is closed after this time."""


class Server(uvicorn.Server):
    """A server whose end others decide."""

    def install_signal_handlers(self) -> None:
        """None: ``finetune.service.server`` has them."""


class Serving:
    """An app, served until ``close``."""

    def __init__(self, app, host: str, port: int, budget: Budget | None = None):
        config = uvicorn.Config(
            app,
            host=host.strip("[]"),
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            loop="asyncio",  # where uvloop is installed too, which uvicorn would prefer
            ws="none",
            http=limited(budget or Budget.local()),
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=1,
        )
        self.server = Server(config)
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    def _run(self) -> None:
        with suppress(SystemExit):  # uvicorn ends the process where the port is taken; ``start`` says it
            self.server.run()

    def start(self) -> "Serving":
        """Serve, and return once the port is open; ``BusyError`` if that does not happen."""
        self._thread.start()
        until = time.monotonic() + STARTS_WITHIN_S
        while not self.server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise BusyError("The page could not be served.", "Choose another port with --port.")
            time.sleep(0.002)
        return self

    @property
    def port(self) -> int:
        """The port, also where the system chose it."""
        return self.server.servers[0].sockets[0].getsockname()[1]

    def close(self, wait_s: float = 5.0) -> None:
        """Stop serving; open connections are cut after a second."""
        self.server.should_exit = True
        self._thread.join(wait_s)
