"""``chat`` and ``export``: what a tuned model answers, and how it leaves the program."""

from pathlib import Path

from finetune import modes
from finetune.commands.command import Commands, answer
from finetune.exports import TARGETS
from finetune.runs.workspace import Workspace


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    chat = commands.add("chat", ask_both, "ask base and tuned the same question")
    chat.add_argument("run", metavar="RUN", help="the number or the id of a run")
    chat.add_argument("--prompt", required=True, metavar="TEXT", help="the question")
    chat.add_argument("--system", metavar="TEXT", help="the system prompt (default: the recipe's; '' for none)")
    chat.add_argument("--seed", type=int, default=7, metavar="N", help="equal seeds sample equal answers (default: 7)")
    chat.add_argument(
        "--max-tokens", type=int, default=256, metavar="N", help="the longest answer, in tokens (default: 256)"
    )
    chat.add_argument("--greedy", action="store_true", help="greedy decoding: always take the most likely token")

    *most, last = (target.words for target in TARGETS.values())
    export = commands.add("export", export_run, f"export a run: {', '.join(most)}, or {last}")
    export.add_argument("run", metavar="RUN", help="the number or the id of a run")
    export.add_argument("--to", type=Path, required=True, metavar="DIR", help="the folder to write to")
    export.add_argument(
        "--as",
        dest="form",
        choices=tuple(TARGETS),
        default=next(iter(TARGETS)),
        help=", ".join(f"{name}: {target.words}" for name, target in TARGETS.items()),
    )


def ask_both(options, workspace: Workspace) -> int:
    """Print the answers of base and tuned to one prompt."""
    from finetune.inference.chat import Pair, facts, truncated
    from finetune.inference.question import messages
    from finetune.inference.sampling import Sampling

    run = workspace.run(options.run)
    pair = Pair.load(run, workspace)
    sampling = Sampling(seed=options.seed, max_tokens=options.max_tokens, greedy=options.greedy)
    question = messages(run.recipe, options.prompt, system=options.system)
    *_, reply = pair.reply(question, question, sampling)
    return answer(options, facts(reply), [f"base:  {reply.base}", f"tuned: {reply.tuned}", *truncated(reply)])


def export_run(options, workspace: Workspace) -> int:
    """Write a run in the form that was asked for, and print its path."""
    run = workspace.run(options.run)
    with modes.elsewhere(options.to):
        path, note = TARGETS[options.form].write(run, workspace, options.to)
        modes.give(path)
    return answer(options, {"path": str(path), "note": note}, [*([note] if note else []), str(path)])
