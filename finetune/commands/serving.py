"""``serve``: a run behind an OpenAI-compatible address, until it is asked to end."""

import os
import sys
from pathlib import Path

from finetune.commands.command import INTERRUPTED, Commands, answer
from finetune.commands.progress import Status, shown
from finetune.errors import SettingError
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace


def add(commands: Commands) -> None:
    """Add the command of this file."""
    serve = commands.add(
        "serve", serve_run, "serve base and tuned of a run to other programs, through an OpenAI-compatible API"
    )
    serve.add_argument("run", metavar="RUN", help="the number or the id of a run")
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1, this machine alone; any other needs a key)",
    )
    serve.add_argument(
        "--port", type=int, default=8000, metavar="N", help="port to listen on; 0 for a free one (default: 8000)"
    )
    serve.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="a file with the key that programs must send (Authorization: Bearer KEY); without it, FINETUNE_API_KEY "
        "holds the key, if there is one",
    )
    serve.add_argument(
        "--waiting",
        type=int,
        default=16,
        metavar="N",
        help="requests that may wait: they are answered one at a time, first come, first served, and further ones are "
        "told to try again in a few seconds (default: 16)",
    )


def serve_run(options, workspace: Workspace) -> int:
    """Load both models, listen, say where, and answer until a signal comes."""
    from finetune.door.budget import Budget
    from finetune.door.hosts import Hosts, is_loopback
    from finetune.door.serving import Serving
    from finetune.exports.production import production
    from finetune.inference.column import asked_as
    from finetune.models.loading import require_model
    from finetune.service.server import reasons_to_end, require_port
    from finetune.serving.announcement import address, facts, words
    from finetune.serving.api import Api
    from finetune.serving.engine import Engine
    from finetune.serving.key import key_for

    run = workspace.run(options.run)
    asked_as(require_model(run))
    key = key_for(options.host, options.key_file)
    if options.waiting < 0:
        raise SettingError(f"--waiting {options.waiting}: this is 0 or more.")
    require_port(options.host, options.port)
    try:
        models = _models(options, run, workspace)
    except KeyboardInterrupt:
        return INTERRUPTED
    budget = Budget.local() if is_loopback(options.host) else Budget.shared()
    engine = Engine(models, workspace, options.waiting)
    api = Api(engine, budget)
    require_port(options.host, options.port)
    reasons = reasons_to_end(engine.context_lost)
    serving = Serving(api.app(Hosts.of(options.host), key), options.host, options.port, budget).start()
    url = address(options.host, serving.port)
    lines = words(url, models, key, options.waiting, production(run, workspace))
    answer(options, facts(url, models, key), lines)
    sys.stdout.flush()
    code = reasons.get()
    api.end()
    serving.close()
    if engine.is_computing:
        # An operation of a large model can take minutes, and Python would wait for it.
        sys.stdout.flush()
        os._exit(code)
    return code


def _models(options, run: Run, workspace: Workspace):
    from finetune.serving.models import Models

    progress = shown(options.json, stays=False)
    progress.show(Status("Loading base and tuned"))
    try:
        return Models.load(run, workspace)
    finally:
        progress.close()
