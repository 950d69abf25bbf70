import re
from pathlib import Path

import pandas
import pytest

from finetune.errors import RunError
from finetune.runs import events
from finetune.ui.train import log
from finetune.ui.train.log import line, words

EXAMPLES = [
    (events.Queued(name="pirate", method="dpo"), "Queued as “pirate”, method dpo"),
    (events.Started(device="CPU", versions={"trl": "1.2"}), "Started on CPU; trl 1.2"),
    (events.Requeued(), "Queued again"),
    (events.Resumed(step=1200), "Resumed from the checkpoint of step 1,200"),
    (
        events.FellBack(settings={"training.accumulation": 2}, reason="Half the rows."),
        "Out of memory, fell back: Half the rows. (accumulation: 2)",
    ),
    (events.Entered(phase="loading"), "Loading the model"),
    (events.Pinned(commit="abc"), "The model's version is abc"),
    (events.Fetched(done_bytes=2**30, total_bytes=2**31, bytes_per_s=2**20), "Downloaded 1.0 of 2.0 GB, 1.0 MB/s"),
    (
        events.Chose(what="precision", value="bf16", reason="it is fast"),
        ("Automatic choice, precision: bf16 (it is fast)"),
    ),
    (events.Noted(message="3 rows.", level="warning"), "Warning: 3 rows."),
    (events.Fingerprinted(rows="r", base="b", start="s"), "Fingerprints: rows r, base b, start s"),
    (
        events.Planned(total_steps=1, train_rows=80, held_out_rows=9, trained_tokens=7, parameters=1000, trainable=10),
        "Planned: 1 step on 80 rows, 9 held out; 10 of 1,000 parameters are trainable",
    ),
    (
        events.Stepped(
            step=48,
            epoch=1,
            loss=1.5,
            learning_rate=3e-4,
            grad_norm=0.8,
            tokens_per_s=3900,
            elapsed_s=65,
            metrics={"accuracy": 0.94, "reward/number": 0.5},
        ),
        (
            "Step 48: loss 1.5, reward accuracy 94 %, reward for number 0.5, learning rate 0.0003, gradient norm 0.8, "
            "3,900 tokens/s, after 1 min 5 s"
        ),
    ),
    (
        events.Evaluated(step=5, loss=2.25, metrics={"margin": 0.5}),
        ("Evaluated at step 5: held-out loss 2.25, reward margin 0.5"),
    ),
    (
        events.Sampled(step=5, answers=(events.Answer(prompt="Why?", base="x", tuned="So."),)),
        ("Sample answers at step 5: “Why?” – “So.”"),
    ),
    (events.Saved(what="model", path="model", step=10), "Saved the model of step 10 as model"),
    (events.Ended(state="failed", message="No room.", hint="Free some."), "Ended: failed. No room. Free some."),
]


@pytest.mark.parametrize("event, said", EXAMPLES, ids=[type(event).__name__ for event, _ in EXAMPLES])
def test_an_event_is_a_readable_line(event, said):
    assert words(event) == said
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  .+", line(event))


def test_every_event_has_words_of_its_own():
    assert {type(event).__name__ for event, _ in EXAMPLES} == set(events.Event.EVENTS)


def test_an_event_is_one_line_whatever_is_in_it():
    assert "\n" not in line(events.Noted(message="one\ntwo\r\nthree"))


def test_the_last_lines_are_shown_newest_first_with_their_total_and_escaped(write_run, monkeypatch):
    run = write_run()
    view = run.view()
    html = log.shown(run, view)
    assert f"{view.revision} lines, newest first." in html
    assert html.index("Ended: done") < html.index("Step 10:") < html.index("Step 1:")
    assert "Is the sea &lt;b&gt;blue" in html and "<b>" not in html
    monkeypatch.setattr(log, "LAST", 3)
    html = log.shown(run, view)
    assert f"The last 3 of {view.revision} lines" in html and "Step 10" not in html and html.count("\n") == 2


def test_the_whole_log_downloads_as_text(studio, write_run):
    run = write_run()
    done = log.download(studio, run.id)
    written = Path(done.file).read_text(encoding="utf-8").splitlines()
    assert done.file.endswith(f"{run.id}.log") and len(written) == run.view().revision
    assert "Queued as" in written[0] and "Ended: done" in written[-1]
    with pytest.raises(RunError):
        log.download(studio, "099-gone")


def test_the_figures_of_the_steps_download_as_a_table(studio, write_run):
    run = write_run()
    done = log.download_table(studio, run.id)
    written = pandas.read_csv(done.file)
    assert done.file.endswith(f"{run.id}.csv") and written["step"].tolist() == list(range(11))
    assert written["loss"].iloc[-1] == run.view().steps[-1].loss
    with pytest.raises(RunError):
        log.download_table(studio, "099-gone")
