"""The estimate of time follows the amounts of work and the pace of the machine."""

from dataclasses import fields, replace

import pytest

from finetune.fit import time
from finetune.fit.time import START_S, Work, flops, seconds, small_layer_s
from finetune.runs.checkpoints import SAVE_S

WORK = Work(
    layers=6, hidden=256, vocabulary=3072, linear=4_128_768, passes=3, matrix_passes=2, trainable=430_000, steps=190,
    batches=190, tokens=50_700, scored_share=0.42,
    evaluations=6, evaluated_batches=7.5, evaluated_tokens=2_000, evaluated_passes=1,
    answer_tokens=64, saves=5, saves_by_time=True,
    saved_bytes=2_000_000, model_bytes=700_000,
)  # fmt: skip
"""Pirate voice with LoRA on the starter, five epochs."""


@pytest.fixture
def as_measured(monkeypatch):
    """The machine on which the constants were measured."""
    monkeypatch.setattr(time, "flops", lambda device, kind: 1050e9)
    monkeypatch.setattr(time, "small_layer_s", lambda: time.SMALL_LAYER_S)


def test_a_run_that_was_measured_takes_as_long_as_it_took(as_measured):
    assert seconds(WORK, "cpu", "bf16") == pytest.approx(36, rel=0.2)  # 29 to 37 s


@pytest.mark.parametrize(
    "more",
    [
        {"tokens": 100_000},
        {"batches": 380},
        {"passes": 4},
        {"matrix_passes": 9},
        {"trainable": 5_000_000},
        {"steps": 1900},
        {"evaluations": 12},
        {"evaluated_tokens": 9_000},
        {"answer_tokens": 640},
        {"saves": 500},
        {"saved_bytes": 10**9},
        {"model_bytes": 10**9},
        {"quantized": 10**8},
        {"layers": 12},
    ],
)
def test_every_amount_of_work_takes_time(as_measured, more):
    assert seconds(replace(WORK, **more), "cpu", "bf16") > 1.02 * seconds(WORK, "cpu", "bf16")


def saving(work):
    """Seconds that saving takes of it."""
    return seconds(work, "cpu", "bf16") - seconds(replace(work, saved_bytes=0, model_bytes=0), "cpu", "bf16")


def test_what_is_saved_is_each_checkpoint_and_the_model(as_measured):
    assert saving(WORK) == pytest.approx((5 * WORK.saved_bytes + WORK.model_bytes) / time.SAVE_BYTES_PER_S)
    assert saving(replace(WORK, saves=0)) == pytest.approx(WORK.model_bytes / time.SAVE_BYTES_PER_S)


def test_a_long_run_is_saved_in_between_unless_the_recipe_says_when(as_measured):
    long = replace(WORK, batches=200 * WORK.batches, tokens=200 * WORK.tokens, evaluations=0, model_bytes=0)
    trainable = seconds(replace(long, saved_bytes=0), "cpu", "bf16") - START_S
    one = long.saved_bytes / time.SAVE_BYTES_PER_S
    assert trainable > 5 * SAVE_S
    assert saving(replace(long, saves_by_time=False)) == pytest.approx(5 * one)
    assert saving(long) == pytest.approx((5 + 5 * (trainable / 5 // SAVE_S)) * one)
    assert saving(replace(long, saves=0)) == pytest.approx(trainable // SAVE_S * one)


def test_a_run_that_is_never_checked_writes_no_answers(as_measured):
    unseen = replace(WORK, evaluations=0)
    assert seconds(replace(unseen, answer_tokens=10**6), "cpu", "bf16") == seconds(unseen, "cpu", "bf16")


def test_no_work_takes_the_time_of_the_start(as_measured):
    nothing = Work(**dict.fromkeys((field.name for field in fields(Work)), 0))
    assert seconds(nothing, "cpu", "fp32") == START_S


def test_words_that_are_not_scored_take_no_time_in_the_head(as_measured):
    whole, half, none = (seconds(replace(WORK, scored_share=share), "cpu", "bf16") for share in (1, 0.5, 0))
    assert whole > 1.02 * half and whole - half == pytest.approx(half - none)


def test_a_machine_at_half_the_pace_takes_twice_as_long(as_measured, monkeypatch):
    saved_s = saving(WORK)
    here = seconds(WORK, "cpu", "bf16") - START_S - saved_s
    monkeypatch.setattr(time, "flops", lambda device, kind: 1050e9 / 2)
    monkeypatch.setattr(time, "small_layer_s", lambda: 2 * time.SMALL_LAYER_S)
    assert seconds(WORK, "cpu", "bf16") - START_S - saved_s == pytest.approx(2 * here)


def test_fast_products_alone_do_not_make_the_rest_fast(as_measured, monkeypatch):
    before = seconds(WORK, "cpu", "bf16")
    monkeypatch.setattr(time, "flops", lambda device, kind: 9e12)
    assert 0.8 * before < seconds(WORK, "cpu", "bf16") < before


def test_this_machine_has_a_pace():
    assert flops("cpu", "fp32") > 1e8 and 1e-4 < small_layer_s() < 1


def test_a_busy_moment_does_not_stay(monkeypatch):
    speeds, times = iter([1e9, 5e9, 2e9]), iter([0.02, 0.01, 0.03])
    monkeypatch.setattr(time, "_best", {})
    monkeypatch.setattr(time, "_flops", lambda *_: next(speeds))
    monkeypatch.setattr(time, "_small_layer_s", lambda *_: next(times))
    assert [flops("cpu", "fp32") for _ in range(3)] == [1e9, 5e9, 5e9]
    assert [small_layer_s() for _ in range(3)] == [0.02, 0.01, 0.01]


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_card_is_counted_by_its_own_constants(device, monkeypatch):
    monkeypatch.setattr(time, "flops", lambda device, kind: 1e13)
    assert START_S < seconds(WORK, device, "fp32") < 60
