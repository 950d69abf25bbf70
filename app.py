"""Finetune Studio: build the page and launch it.

    python app.py [--host 127.0.0.1] [--port 7860] [--no-browser] [--auth name:password]

The page is up before torch and transformers are imported: they load in the background while a person reads. The process
that a person starts is the launcher; the server is its child, this file with ``--server``.
"""

import argparse
import os
import sys
import threading
import webbrowser
from functools import partial
from queue import Empty, SimpleQueue
from typing import NoReturn

# Gradio reads its settings when it is imported. Some of them would open files or tunnels to others, so only those that
# are read below are kept.
for name in [each for each in os.environ if each.startswith("GRADIO_")]:
    if name not in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "GRADIO_TEMP_DIR"):
        del os.environ[name]
# No usage data leaves this machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
# Gradio makes a table of the last ten thousand events after each one, for a page that is not offered.
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"], os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = "1", "1000000000"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

SERVER = "--server"

UNSEEN_S = 10
"""The heavy libraries load once the first page is drawn, or after this time if nobody opens it."""


def options() -> argparse.Namespace:
    """The command line. Other machines may connect only on a Space, in the container, or with ``--host``."""
    from finetune.door.options import add_options
    from finetune.service import notices

    anywhere = bool(os.environ.get("SPACE_ID"))
    parser = argparse.ArgumentParser(description="Fine-tune a language model in the browser, and see what changed.")
    parser.add_argument(
        "--host",
        default="0.0.0.0" if anywhere else os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        help="address to listen on",
    )
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("GRADIO_SERVER_PORT", "7860")), help="port to listen on"
    )
    add_options(parser)
    notices.add_options(parser)
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument(SERVER, action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Serve until asked to end: 0 then, 2 if it cannot start, and as the server ended if it never came to serve."""
    from finetune import modes
    from finetune.terminal import guarded

    modes.keep_to_this_account()
    with guarded():
        if SERVER in sys.argv or os.name == "nt":
            return serve(options())
        from finetune.service.launcher import launch

        return launch([sys.executable, *sys.orig_argv[1:], SERVER])


def serve(given: argparse.Namespace) -> int:
    """Serve in this process; returns only if it cannot start."""
    from finetune.door.options import door_of, forget_secrets
    from finetune.errors import FinetuneError
    from finetune.models.hub import share_token
    from finetune.runs.workspace import Workspace
    from finetune.service import janitor
    from finetune.service.launcher import EXIT_RESTART
    from finetune.service.notices import notices_of
    from finetune.service.server import Claim, end_with, reasons_to_end, require_port, say_serving

    if given.server:
        end_with(sys.stdin.fileno())
    try:
        door, notices = door_of(given), notices_of(given)
        forget_secrets()
        share_token(door.is_owners_alone)
        workspace = Workspace()
        workspace.close()
        workspace.require_writable()
        # Gradio reads it when it is imported. Its own choice is a folder that all apps and accounts of a machine share.
        os.environ["GRADIO_TEMP_DIR"] = str(workspace.cache_dir)
        claim = Claim(workspace).take()
        require_port(given.host, given.port)
        from finetune.ui.studio import Studio

        studio = Studio(workspace, door.members.must_sign_in, door.is_owners_alone, notices)
        reasons = reasons_to_end(studio.queue.context_lost)
        if given.server:
            studio.restart = partial(reasons.put, EXIT_RESTART)
        page = open_page(given, studio, door)
    except (FinetuneError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    url = address(given)
    janitor.begin(workspace)
    claim.announce(url, os.getppid() if given.server else os.getpid())
    if given.server:
        say_serving(sys.stdin.fileno())
    announce(url, workspace, door)
    code = reason_to_end(reasons, studio)
    claim.withdraw()
    end(code, studio, page)


def open_page(given: argparse.Namespace, studio, door):
    """The page, served; ``BusyError`` if the port is taken."""
    from finetune.door.serving import Serving
    from finetune.ui.site import site

    serving = Serving(site(studio, door), given.host, given.port, door.budget).start()
    if not given.no_browser and not door.is_space:
        threading.Thread(target=webbrowser.open, args=(address(given),), daemon=True).start()
    return serving


def address(given: argparse.Namespace) -> str:
    """Where a browser of this machine finds the page."""
    host = "localhost" if given.host in ("0.0.0.0", "::") else given.host
    return f"http://{f'[{host}]' if ':' in host else host}:{given.port}"


def announce(url: str, workspace, door) -> None:
    """Print where the page is, who may come in, and where its runs are."""
    from finetune.machine.space import space

    print(f"Finetune Studio is at {url} (Ctrl+C ends it)", flush=True)
    if door.words:
        print(door.words, flush=True)
    if found := space(workspace.path):
        print(f"Runs are in {workspace.path}. {found.words}", flush=True)


def reason_to_end(reasons: SimpleQueue, studio) -> int:
    """Wait for a reason to end; returns its exit code."""
    try:
        return reasons.get(timeout=UNSEEN_S)
    except Empty:
        studio.warm()
    return reasons.get()


def end(code: int, studio, page) -> NoReturn:
    """End this process: the current run saves a checkpoint, unless it cannot (CUDA context lost, a step hangs)."""
    from finetune.service.server import BUDGET_S

    closing = threading.Thread(target=page.close, daemon=True)
    closing.start()
    if code == 0:
        if run := studio.queue.current:
            print(f"Run {run.id} is saving a checkpoint (Ctrl+C again ends at once).", file=sys.stderr, flush=True)
        studio.queue.close(BUDGET_S)
    closing.join(timeout=0.5)
    # Without waiting for other threads: what is on the disk is complete.
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
