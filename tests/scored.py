"""Runs with an evaluation that nobody made: scores and rows as ``finetune.evaluation.evaluate`` writes them."""

from finetune.evaluation.scores import Answered, Bounds, Judged, Kept, Memorized, Part, Row, Score, Scores
from finetune.evaluation.sheet import HELD_OUT, Sheet

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=https://example.com/x.png onerror=alert(1)>",
    "![](https://example.com/pixel.png)",
    '=HYPERLINK("https://example.com")',
    "\u202eright to left\u202c שלום",
    "'\"></p></section><h1>mine</h1>",
    "{{7*7}} ${7*7} %s </style><style>body{display:none}",
)
"""Texts that a page must show as they are."""


def bounds(value: float, width: float = 0.1) -> Bounds:
    return Bounds(value=value, low=value - width, high=value + width)


def score(metric="exact_match", base=0.2, tuned=0.8, p=0.0004, better="higher", rows=50) -> Score:
    difference = bounds(tuned - base)
    found = {"base": bounds(base), "tuned": bounds(tuned), "difference": difference, "p": p, "p_adjusted": p}
    return Score(metric=metric, better=better, rows=rows, **found)


def part(name="asked", *scores: Score) -> Part:
    scores = scores or (score(), score("loss", 3.0, 1.0, better="lower"), score("length", 12, 9, better=""))
    reason = "the expected answers are short"
    return Part(name=name, data="rows.jsonl", rows=50, of=60, main=scores[0].metric, reason=reason, scores=scores)


def scores(**changes) -> Scores:
    """What an evaluation finds that a person likes to see: better, little forgotten, no overfitting."""
    found = {
        "at": 1_700_000_000.0,
        "run": "001-pirate-voice",
        "asked": part(),
        "general": part("general", score("contains", 0.9, 0.88, p=0.8)),
        "kept": Kept(known=45, still=44, share=Bounds(value=0.98, low=0.88, high=1.0)),
        "trained": part("trained", score(tuned=0.85)),
        "memorized": Memorized(rows=20, verbatim=2, base_verbatim=0),
    }
    return Scores(**{**found, **changes})


def judged() -> Judged:
    return Judged(judge="a large model", rows=50, wins=30, losses=10, undecided=10, contradicted=4)


def row(number: int, base=0.0, tuned=1.0, part="asked", text="") -> Row:
    """A row on which both models get a value by exact match; ``text`` replaces each of its texts."""
    base, tuned = (
        Answered(text=text or f"{name} {number}", tokens=3, values={"exact_match": value})
        for name, value in (("base", base), ("tuned", tuned))
    )
    question, expected = text or f"question {number}", text or f"expected {number}"
    return Row(part=part, row=number, question=question, expected=expected, base=base, tuned=tuned)


def rows() -> list[Row]:
    """Eight wins, a loss and a wrong answer."""
    return [row(0, 1.0, 0.0), row(1, 0.0, 0.0), *(row(n) for n in range(2, 10))]


def evaluated(run, found: Scores | None = None, answers: list[Row] | None = None):
    """``run`` with the evaluation ``found`` and its rows."""
    sheet = Sheet(run, HELD_OUT)
    sheet.folder.mkdir(parents=True)
    sheet.finish(found or scores(), rows() if answers is None else answers)
    return run
