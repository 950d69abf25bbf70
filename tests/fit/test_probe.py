"""A measured step, in a process of its own."""

import json

import pytest

from finetune.errors import BusyError, RunError
from finetune.fit.estimate import estimate_fit
from finetune.fit.probe import count_tokens, measure, measured
from finetune.machine.lease import Lease
from finetune.methods import METHODS
from finetune.training.prepare import sequence_tokens
from tests.training.test_train import recipe


@pytest.fixture
def long_rows(tmp_path):
    """Rows of about 300 and 400 tokens."""
    path = tmp_path / "long.jsonl"
    rows = [{"text": "the sea is blue and " * (15 if n % 2 else 20)} for n in range(24)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize("adapter", [pytest.param("full", marks=pytest.mark.heavy), "lora"])
def test_the_estimate_is_near_the_measured_peak(with_tiny, tmp_path, long_rows, adapter):
    wanted = recipe(tmp_path, adapter=adapter).changed(
        **{"data.path": str(long_rows), "training.length": 500, "training.batch_size": 8, "training.max_steps": None}
    )
    found, fit = measured(wanted, with_tiny), estimate_fit(wanted, with_tiny, count_tokens(wanted, with_tiny))
    assert found.peak_bytes == pytest.approx(fit.estimate_bytes, rel=0.25)
    assert (found.parameters, found.trainable) == (
        fit.parameters + (fit.trainable if adapter == "lora" else 0), fit.trainable,
    )  # fmt: skip
    assert found.steps > 0 and found.eta_s > found.steps * found.seconds_per_step


@pytest.mark.heavy
@pytest.mark.parametrize("adapter", ["full", "lora", "qlora"])
def test_the_estimate_is_near_the_measured_peak_of_25_million_parameters(workspace, tmp_path, long_rows, adapter):
    from tests.benchmarks.fit import SIZES, write_model

    write_model(workspace.models_dir / "25m", SIZES["25m"])
    wanted = recipe(tmp_path, adapter=adapter).changed(
        **{"model.id": "25m", "data.path": str(long_rows), "training.length": 500, "training.max_steps": None}
    )
    found, fit = measured(wanted, workspace), estimate_fit(wanted, workspace, count_tokens(wanted, workspace))
    assert found.peak_bytes == pytest.approx(fit.estimate_bytes, rel=0.15)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_counted_of_the_rows_is_what_the_trainer_gets(with_tiny, tmp_path, method):
    found, sequences = count_tokens(recipe(tmp_path, method), with_tiny), METHODS[method].sequences_per_row
    assert found.rows > 0 and found.longest <= 200 and found.rows * found.longest * sequences >= found.tokens
    assert found.held_out > 0
    assert found.tokens > found.trained >= found.most_trained and found.trained <= found.rows * found.most_trained
    assert (found.trained == 0) == METHODS[method].generates


def test_a_pair_is_as_wide_as_the_prompt_with_the_longer_answer():
    assert sequence_tokens({"prompt_ids": [1] * 3, "chosen_ids": [1] * 5, "rejected_ids": [1] * 2}) == 8
    assert sequence_tokens({"input_ids": [1] * 4, "labels": [1] * 4}) == 4


def test_nothing_is_measured_while_a_run_is_training(with_tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.fit.probe._offer_to_be_killed_first", lambda: None)
    with Lease(with_tiny.path).take(), pytest.raises(BusyError, match="training on this machine"):
        measure(recipe(tmp_path), with_tiny)


def test_what_is_wrong_is_said_in_words(with_tiny, tmp_path):
    with pytest.raises(RunError, match="There is no data file"):
        measured(recipe(tmp_path).changed(**{"data.path": "missing.jsonl"}), with_tiny)
