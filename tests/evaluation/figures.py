"""Scores written by hand, for tests of what is made from them."""

import time

from finetune.evaluation.scores import Answered, Bounds, Kept, Memorized, Part, Row, Score, Scores


def score(metric="chrf", base=0.4, tuned=0.6, p=0.001, rows=50, width=0.04) -> Score:
    """A score of base and tuned with intervals of ``width`` to each side."""
    from finetune.evaluation.metrics import METRICS

    def bounds(value):
        return Bounds(value=value, low=value - width, high=value + width)

    return Score(
        metric=metric,
        better=METRICS[metric].better,
        rows=rows,
        base=bounds(base),
        tuned=bounds(tuned),
        difference=bounds(tuned - base),
        p=p,
        p_adjusted=p,
    )


def part(name="asked", *scores, rows=50, of=50, data="pirate-voice.jsonl") -> Part:
    """A part with these scores, the first of which decides."""
    found = scores or (score(rows=rows),)
    return Part(name=name, data=data, rows=rows, of=of, main=found[0].metric, reason="of a test", scores=found)


def kept(known=100, still=98) -> Kept:
    """So many of the questions that the base answers."""
    from finetune.evaluation.statistics import wilson

    share = wilson(still, known)
    return Kept(known=known, still=still, share=Bounds(value=share.value, low=share.low, high=share.high))


def scores(run="001-run", asked=None, still=98, trained=None, memorized=None, **more) -> Scores:
    """Scores of a run that got better, kept ``still`` of 100 general questions, and fits ``trained``."""
    right = score("contains", 1.0, still / 100, 0.001 if still < 90 else 0.5, rows=100)
    return Scores(
        at=time.time(),
        run=run,
        asked=asked or part(),
        general=part("general", right, rows=100, of=120, data="general.jsonl"),
        kept=kept(100, still),
        trained=trained or part("trained", score(base=0.41, tuned=0.63), of=300),
        memorized=memorized or Memorized(rows=40, verbatim=1, base_verbatim=0),
        seconds=12.0,
        **more,
    )


def row(n=0, part="asked", question="What?", expected="Arr!", base="No.", tuned="Arr!", **values) -> Row:
    """A row; ``values`` are pairs of base and tuned by metric."""
    one, two = ({name: pair[place] for name, pair in values.items()} for place in (0, 1))
    return Row(
        part=part,
        row=n,
        question=question,
        expected=expected,
        base=Answered(text=base, tokens=2, values=one),
        tuned=Answered(text=tuned, tokens=3, values=two),
    )
