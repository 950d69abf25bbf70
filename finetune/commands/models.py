"""``chat`` and ``export``: what a tuned model answers, and how it leaves the program."""

from pathlib import Path

from finetune import modes
from finetune.commands.command import SEED, TOKENS, Commands, answer, settings, take_settings
from finetune.commands.progress import Status, shown
from finetune.errors import FinetuneError
from finetune.exports import TARGETS, parity
from finetune.exports.handover import options_of
from finetune.exports.target import Work
from finetune.runs.workspace import Workspace


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    chat = commands.add("chat", ask_both, "ask base and tuned the same question")
    chat.add_argument("run", metavar="RUN", help="the number or the id of a run")
    chat.add_argument("--prompt", required=True, metavar="TEXT", help="the question")
    chat.add_argument("--system", metavar="TEXT", help="the system prompt (default: the recipe's; '' for none)")
    chat.add_argument("--seed", type=SEED, default=7, metavar="N", help="equal seeds sample equal answers (default: 7)")
    chat.add_argument(
        "--max-tokens",
        type=TOKENS,
        default=256,
        metavar="N",
        help="the longest answer, in tokens (default: 256)",
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
    take_settings(export, "an option of what is written, e.g. quantization=q8_0")
    export.add_argument("--no-check", action="store_true", help="leave out the parity check")


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
    """Write a run in the form that was asked for, and print its path and what the parity check found."""
    run, target = workspace.run(options.run), TARGETS[options.form]
    chosen = options_of(target, settings(options.set))
    progress = shown(options.json, stays=False)
    work = Work(lambda what, share: progress.show(Status(what[:1].upper() + what[1:], share)))
    with modes.elsewhere(options.to):
        found = target.write(run, workspace, options.to, chosen, work)
        modes.give(found.path)
    progress.close()
    compared, unchecked = None, ""
    try:
        compared = None if options.no_check else parity.check(target, run, workspace, found.path, chosen)
    except FinetuneError as error:  # what was written is there all the same
        unchecked = f"{error.message} {error.hint}"
    facts = {"path": str(found.path), "note": found.note, "address": found.address, "unchecked": unchecked}
    facts["parity"] = compared and compared.model_dump() | {"passes": compared.passes}
    said = compared.sentences() if compared else [f"Parity check: not made. {unchecked}"] if unchecked else []
    lines = [*filter(None, [found.note, found.address]), *said, str(found.path)]
    return answer(options, facts, lines) or int(bool(unchecked) or compared is not None and not compared.passes)
