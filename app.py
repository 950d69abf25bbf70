"""Finetune Studio: build the page and launch it.

    python app.py [--host 127.0.0.1] [--port 7860] [--no-browser]

The page is up before torch and transformers are: they load in the background while a person reads.
"""

import argparse
import os
import signal
import sys
import threading

# Read when gradio is imported: nothing about its use leaves this machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


UNSEEN_S = 10
"""The heavy libraries load once the first page is drawn, or after this time if nobody looks."""


def options() -> argparse.Namespace:
    """The command line. Other machines are let in only on a Space, in the container, or when asked for by name."""
    anywhere = bool(os.environ.get("SPACE_ID"))
    parser = argparse.ArgumentParser(description="Fine-tune a language model on a page, and see what changed.")
    parser.add_argument(
        "--host",
        default="0.0.0.0" if anywhere else os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        help="address to listen on",
    )
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("GRADIO_SERVER_PORT", "7860")), help="port to listen on"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser.parse_args()


def main() -> int:
    """Serve until asked to stop; 2 if it cannot begin."""
    given = options()
    from finetune.errors import FinetuneError
    from finetune.ui.page import build, launch_options
    from finetune.ui.studio import Studio

    try:
        studio = Studio()
        page = build(studio)
        serve(given, page, launch_options())
    except (FinetuneError, OSError) as error:
        taken = f"Port {given.port} is taken. Choose another one with --port."
        print(taken if "empty port" in str(error) else error, file=sys.stderr)
        return 2
    stopping = threading.Event()
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), lambda *_: stopping.set())
    if not stopping.wait(UNSEEN_S):
        studio.warm()
    stopping.wait()
    page.close(verbose=False)
    # A run at work is left as it is: its directory says how far it came. Its thread would hold up a normal exit.
    sys.stdout.flush()
    os._exit(0)


def serve(given: argparse.Namespace, page, look: dict) -> None:
    """Start serving ``page`` and say where; ``OSError`` if the port is taken."""
    page.launch(
        server_name=given.host,
        server_port=given.port,
        inbrowser=not given.no_browser and not os.environ.get("SPACE_ID"),
        prevent_thread_lock=True,
        quiet=True,
        **look,
    )
    host = "localhost" if given.host == "0.0.0.0" else given.host
    print(f"Finetune Studio is at http://{host}:{given.port} (Ctrl+C ends it)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
