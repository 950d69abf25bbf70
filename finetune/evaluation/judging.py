"""A judge on the answers of an evaluation: base against tuned, each pair in both orders.

A judge favors what it reads first (Zheng et al. 2023, §3.4), so a choice counts only if it is the same in both orders.
It is an opinion of a model and no measurement: ``Judged`` says how often it contradicted itself.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from finetune.errors import RunError
from finetune.evaluation.scores import Judged, Row
from finetune.evaluation.sheet import Sheet
from finetune.inference.judge import Judging
from finetune.rewards.judge import Judge
from finetune.runs.workspace import Workspace

MOST = 100
"""Rows that are judged, the first ones; each takes two questions to the judge."""
CHUNK = 16
"""Rows between two reports of progress."""

Report = Callable[[str, float], None]


def judge(
    sheet: Sheet,
    rows: Sequence[Row],
    settings: Judge,
    workspace: Workspace,
    report: Report = lambda what, share: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Judged:
    """What the judge of ``settings`` says of ``rows``; every judgement is kept in the folder of ``sheet``.

    Only what was judged until ``stopped`` counts. ``RunError`` if there are no answers to judge; ``ModelError`` if the
    judge cannot be asked.
    """
    rows = judged_rows(rows)
    if not rows:
        raise RunError(f"Run {sheet.run.id} has no answers to judge.", "Score it on rows that ask something.")
    judgements(sheet).unlink(missing_ok=True)
    return judged(rows, Judging.load(settings, workspace, judgements(sheet)), report, stopped)


def judgements(sheet: Sheet) -> Path:
    """The file of all judgements on the answers of ``sheet``, a line each."""
    return sheet.folder / "judgements.jsonl"


def judged_rows(rows: Sequence[Row], most: int = MOST) -> list[Row]:
    """The rows that a judge can read: those with a question that the evaluation is about."""
    return [row for row in rows if row.part == "asked" and row.question][:most]


def judged(
    rows: Sequence[Row],
    judging: Judging,
    report: Report = lambda what, share: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Judged:
    """What the judge says of ``rows``. Equal answers are undecided without asking it."""
    choices: list[tuple[int | None, int | None]] = []
    for start in range(0, len(rows), CHUNK):
        if start and stopped():
            break
        report("judged answers", start / len(rows))
        choices += _choices(rows[start : start + CHUNK], judging)
    wins, losses = choices.count((1, 1)), choices.count((0, 0))
    return Judged(
        judge=judging.settings.model,
        rows=len(choices),
        wins=wins,
        losses=losses,
        undecided=len(choices) - wins - losses,
        contradicted=choices.count((0, 1)) + choices.count((1, 0)),
    )


def _choices(rows: Sequence[Row], judging: Judging) -> list[tuple[int | None, int | None]]:
    """Of each row what the judge chose in both orders: 0 for base, 1 for tuned, None for neither."""
    unlike = [row for row in rows if row.base.text != row.tuned.text]
    pairs = [([{"role": "user", "content": row.question}], row.base.text, row.tuned.text) for row in unlike]
    found = iter(judging.choices(pairs) if pairs else ())
    return [next(found) if row.base.text != row.tuned.text else (None, None) for row in rows]
