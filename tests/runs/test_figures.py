import io
import json
import math

import pandas
import pytest

from finetune.runs import events
from finetune.runs.figures import COLUMNS, table

STEP = {"epoch": 0.25, "learning_rate": 1e-5, "grad_norm": 0.5, "tokens_per_s": 390.5, "elapsed_s": 2.5}


@pytest.fixture
def run(write_run):
    return write_run(metrics={"accuracy": 0.75, "margin": -0.125}, method="dpo")


def test_each_step_and_each_evaluation_is_in_one_row(run):
    found = table(run.view())
    assert found.columns[: len(COLUMNS)] == COLUMNS
    assert found.columns[len(COLUMNS) :] == (
        "accuracy", "margin", "held_out_accuracy", "held_out_margin", "memory_bytes",
    )  # fmt: skip
    records = found.records()
    assert [each["step"] for each in records] == list(range(11))
    assert records[0]["loss"] is None and records[0]["held_out_loss"] == 3.2 and records[0]["held_out_margin"] == -0.125
    assert records[3] == {
        "step": 3, "epoch": 0, "loss": 2.4, "learning_rate": 0, "grad_norm": None, "tokens_per_s": 3900.0,
        "elapsed_s": 6, "held_out_loss": None, "accuracy": 0.75, "margin": -0.125, "held_out_accuracy": None,
        "held_out_margin": None, "memory_bytes": 2**30,
    }  # fmt: skip


def test_pandas_reads_both_files_back_equal(run):
    run.emit(events.Stepped(step=11, loss=1 / 3, **STEP))
    found = table(run.view())
    asked = pandas.DataFrame(list(found.rows), columns=list(found.columns)).astype("float64")
    as_csv = pandas.read_csv(io.BytesIO(found.csv())).astype("float64")
    as_json = pandas.read_json(io.BytesIO(found.json()), precise_float=True).astype("float64")
    pandas.testing.assert_frame_equal(as_csv, asked, check_exact=True)
    pandas.testing.assert_frame_equal(as_json, asked)


@pytest.mark.threat("T15")
def test_numbers_below_zero_and_those_that_are_none_stay_numbers(run):
    run.emit(events.Stepped(step=11, loss=math.nan, **STEP))
    run.emit(events.Stepped(step=12, loss=math.inf, metrics={"=1+1": -1.0}, **STEP))
    found = table(run.view())
    read = pandas.read_csv(io.BytesIO(found.csv()))
    assert read["margin"].dropna().eq(-0.125).all() and len(read["margin"].dropna()) == 10
    assert math.isnan(read["loss"].iloc[11]) and read["loss"].iloc[12] == math.inf
    assert "'=1+1" in read.columns, "a name like a formula stays text"
    records = json.loads(found.json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert records[11]["loss"] is None and records[12]["loss"] is None


def test_what_was_said_after_the_checkpoint_of_a_resumed_run_does_not_count(run):
    run.emit(events.Resumed(step=4))
    run.emit(events.Stepped(step=5, loss=9.5, **STEP))
    records = table(run.view()).records()
    assert [each["step"] for each in records] == [0, 1, 2, 3, 4, 5]
    assert records[-1]["loss"] == 9.5 and records[-1]["held_out_loss"] is None


def test_a_run_that_has_not_trained_has_a_head_and_no_rows(write_run):
    found = table(write_run(steps=-1, state="").view())
    assert found.rows == () and found.csv().decode("utf-8-sig").strip() == ",".join(f'"{name}"' for name in COLUMNS)
