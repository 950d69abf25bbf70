"""A studio on an empty workspace, and runs written by hand: what the page reads, without training anything."""

import pytest

from finetune.runs import events


@pytest.fixture
def studio(workspace):
    """A studio whose queue is empty."""
    from finetune.ui.studio import Studio

    return Studio(workspace)


@pytest.fixture
def desk(studio):
    """The data desk of the studio."""
    return studio.data


@pytest.fixture
def still(studio):
    """The studio, whose worker starts no run: what is queued stays queued."""
    studio.queue.close(0)
    return studio


@pytest.fixture
def write_run(workspace):
    """A function that writes a run of 10 steps as a trainer would have: up to a step, and then an end."""
    from finetune.recipe import Recipe

    def write(
        name="pirate voice",
        steps=10,
        state="done",
        metrics=None,
        data=None,
        model=None,
        sweep=None,
        method="sft",
        **ended,
    ):
        data = data or {"path": "assets/samples/pirate-voice.jsonl"}
        given = {"name": name, "data": data, "model": model or {}, "sweep": sweep, "method": {"type": method}}
        recipe = Recipe.from_dict(given)
        run = workspace.create(recipe)
        run.emit(events.Started(device="CPU, 2 cores, 23 GB", versions={"torch": "2.13.0"}))
        run.emit(events.Chose(what="precision", value="bf16", reason="this processor has bf16 instructions"))
        run.emit(events.Noted(message="3 rows were truncated.", level="warning"))
        run.emit(events.Entered(phase="training"))
        planned = {"train_rows": 80, "held_out_rows": 9, "trained_tokens": 700, "parameters": 1000, "trainable": 10}
        run.emit(events.Planned(total_steps=10, **planned))
        for step in range(steps + 1):
            if step:
                figures = {"tokens_per_s": 3900.0, "gauges": {"memory_bytes": 2**30}, "metrics": metrics or {}}
                run.emit(
                    events.Stepped(
                        step=step, epoch=0, loss=3 - step / 5, learning_rate=0, elapsed_s=step * 2, **figures
                    )
                )
            if step % 5 == 0:
                run.emit(events.Evaluated(step=step, loss=3.2 - step / 5, metrics=metrics or {}))
                answer = events.Answer(prompt="Is the sea <b>blue</b>?", base="Yes.", tuned=f"Arr, after {step}!")
                run.emit(events.Sampled(step=step, answers=(answer,)))
        if state in ("done", "stopped"):
            run.emit(events.Saved(what="model", path="model", step=steps))
        if state:
            run.emit(events.Ended(state=state, **ended))
        return run

    return write


@pytest.fixture
def table(desk, with_tiny, tmp_path):
    """A function that uploads a table and returns the tab with it."""

    from finetune.ui.data import tab as data
    from finetune.ui.data.counting import Counting
    from tests.tab import named

    def show(text, name="tickets.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        file, *values = data.take_files(desk, Counting.of("tiny", "512", "own"), [str(path)])
        assert file is None
        return named(values)

    return show
