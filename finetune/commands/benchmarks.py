"""``benchmark``: base and tuned on standard benchmarks, where the lm-evaluation-harness is installed."""

from pathlib import Path

from finetune.commands.command import ROWS, Commands, answer
from finetune.evaluation.benchmarks import MOST, SHORT, Benchmark
from finetune.format import percent
from finetune.runs.workspace import Workspace

OUTCOMES = {"better": "better", "worse": "worse", "unclear": "no clear difference"}


def add(commands: Commands) -> None:
    """Add the command of this file."""
    command = commands.add(
        "benchmark", run_benchmarks, "run standard benchmarks on base and tuned (needs lm_eval, which is an extra)"
    )
    command.add_argument("run", metavar="RUN", help="the number or the id of a run")
    command.add_argument(
        "--tasks", default="", metavar="NAMES", help=f"tasks of the harness, by commas; short ones: {', '.join(SHORT)}"
    )
    command.add_argument(
        "--task-dir",
        type=Path,
        metavar="DIR",
        help="a folder with tasks of your own (YAML); with local data it is offline",
    )
    command.add_argument(
        "--limit", type=ROWS, default=MOST, metavar="N", help=f"documents of each task (default: {MOST})"
    )
    command.add_argument("--chat", action="store_true", help="ask through the chat template")


def run_benchmarks(options, workspace: Workspace) -> int:
    """Print what base and tuned get on each task."""
    from finetune.evaluation.benchmarks import benchmark, require_harness
    from finetune.machine.lease import Lease

    require_harness()
    run = workspace.run(options.run)
    tasks = [name.strip() for name in options.tasks.split(",") if name.strip()]
    with Lease(workspace.path).take():
        found = benchmark(run, workspace, tasks, options.task_dir, options.limit, options.chat)
    lines = [_line(each) for each in found.results]
    lines += [f"{task}: its metrics are of the whole task, and not compared." for task in found.left_out]
    return answer(options, found.model_dump(mode="json"), lines or ["No task gave a value."])


def _line(found: Benchmark) -> str:
    score = found.score
    base, tuned = (
        percent(each.value) if 0 <= each.value <= 1 else f"{each.value:.3g}" for each in (score.base, score.tuned)
    )
    words = f"{OUTCOMES[score.outcome]} (p {score.p_adjusted:.2g}, {score.rows} documents)"
    return f"{found.task:24} {score.metric:12} {base:>8} -> {tuned:>8}  {words}"
