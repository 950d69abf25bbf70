"""Random but valid values for the tests that hypothesis drives."""

from hypothesis import strategies as st

from finetune.runs import events
from finetune.runs.view import PHASE_WORDS

text = st.text(st.characters(codec="utf-8"), max_size=20)
number = st.floats(allow_nan=True, allow_infinity=True)
seconds = st.floats(0, 1e6)
step = st.integers(0, 50)
metrics = st.dictionaries(text, number, max_size=3)
answers = st.builds(events.Answer, prompt=text, base=text, tuned=text)

EVENTS = {
    "Queued": st.builds(events.Queued, name=text),
    "Started": st.builds(events.Started, device=text, versions=st.dictionaries(text, text, max_size=3)),
    "Requeued": st.builds(events.Requeued),
    "Resumed": st.builds(events.Resumed, step=step),
    "FellBack": st.builds(
        events.FellBack, settings=st.dictionaries(text, st.integers() | text, max_size=3), reason=text
    ),
    "Entered": st.builds(events.Entered, phase=st.sampled_from(sorted(PHASE_WORDS))),
    "Pinned": st.builds(events.Pinned, commit=text),
    "Fetched": st.builds(events.Fetched, done_bytes=step, total_bytes=step, bytes_per_s=st.none() | st.floats(1, 1e9)),
    "Chose": st.builds(events.Chose, what=text, value=text, reason=text),
    "Noted": st.builds(events.Noted, message=text, level=st.sampled_from(["info", "warning"])),
    "Fingerprinted": st.builds(events.Fingerprinted, rows=text, base=text, start=text),
    "Planned": st.builds(
        events.Planned,
        total_steps=step,
        train_rows=step,
        held_out_rows=step,
        trained_tokens=step,
        parameters=step,
        trainable=step,
    ),
    "Stepped": st.builds(
        events.Stepped,
        step=step,
        epoch=number,
        loss=number,
        learning_rate=number,
        grad_norm=st.none() | number,
        tokens_per_s=st.none() | number,
        gauges=metrics,
        elapsed_s=seconds,
        metrics=metrics,
    ),
    "Evaluated": st.builds(events.Evaluated, step=step, loss=number, metrics=metrics),
    "Sampled": st.builds(events.Sampled, step=step, answers=st.lists(answers, max_size=3).map(tuple)),
    "Saved": st.builds(events.Saved, what=st.sampled_from(["checkpoint", "model"]), path=text, step=step),
    "Ended": st.builds(
        events.Ended,
        state=st.sampled_from(["done", "stopped", "failed", "paused", "interrupted"]),
        code=text,
        message=text,
        hint=text,
    ),
}
"""A strategy for each kind of event, by its name."""


def any_event():
    """Any event at all."""
    return st.one_of(*EVENTS.values())
