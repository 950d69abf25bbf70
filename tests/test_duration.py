"""The estimate of time follows the amounts of work and the pace of the machine."""

from dataclasses import replace

import pytest

from finetune import duration
from finetune.duration import START_S, Work, flops, seconds

WORK = Work(
    layers=6, hidden=256, words=3072, linear=4_128_768, passes=3, products=2, batches=190, tokens=50_700,
    looks=6, checked_batches=7.5, checked_tokens=2_000, checked_passes=1, answer_tokens=64, saved_bytes=2_000_000,
)  # fmt: skip
"""Pirate voice with LoRA on the starter, five epochs."""


@pytest.fixture
def as_measured(monkeypatch):
    """The machine on which the constants were measured."""
    monkeypatch.setattr(duration, "flops", lambda device, kind: duration.REFERENCE_FLOPS[kind])


def test_a_run_that_was_measured_takes_as_long_as_it_took(as_measured):
    assert seconds(WORK, "cpu", "bf16") == pytest.approx(21.3, rel=0.15)  # the measured step's own figure


@pytest.mark.parametrize(
    "more",
    [
        {"tokens": 100_000},
        {"batches": 380},
        {"passes": 4},
        {"products": 3},
        {"looks": 12},
        {"checked_tokens": 9_000},
        {"answer_tokens": 640},
        {"saved_bytes": 10**9},
        {"compressed": 10**8},
        {"layers": 12},
    ],
)
def test_every_amount_of_work_takes_time(as_measured, more):
    assert seconds(replace(WORK, **more), "cpu", "bf16") > 1.02 * seconds(WORK, "cpu", "bf16")


def test_a_run_that_is_never_checked_saves_its_model_all_the_same(as_measured):
    unseen, unsaved = replace(WORK, looks=0), replace(WORK, looks=0, saved_bytes=0)
    saved = WORK.saved_bytes / duration.SAVE_BYTES_PER_S
    assert seconds(unseen, "cpu", "bf16") == pytest.approx(seconds(unsaved, "cpu", "bf16") + saved)
    assert seconds(replace(unseen, answer_tokens=10**6), "cpu", "bf16") == seconds(unseen, "cpu", "bf16")


def test_no_work_takes_the_time_of_the_start(as_measured):
    nothing = Work(*[0] * 14)
    assert seconds(nothing, "cpu", "fp32") == START_S


def test_a_machine_at_half_the_pace_takes_twice_as_long(as_measured, monkeypatch):
    saved = WORK.looks * WORK.saved_bytes / duration.SAVE_BYTES_PER_S
    here = seconds(WORK, "cpu", "bf16") - START_S - saved
    monkeypatch.setattr(duration, "flops", lambda device, kind: duration.REFERENCE_FLOPS[kind] / 2)
    assert seconds(WORK, "cpu", "bf16") - START_S - saved == pytest.approx(2 * here)


def test_fast_products_in_16_bits_alone_do_not_make_the_rest_fast(as_measured, monkeypatch):
    before = seconds(WORK, "cpu", "bf16")
    fast = {"bf16": 9e12, "fp32": duration.REFERENCE_FLOPS["fp32"]}
    monkeypatch.setattr(duration, "flops", lambda device, kind: fast[kind])
    assert 0.8 * before < seconds(WORK, "cpu", "bf16") < before


def test_this_machine_multiplies():
    assert flops("cpu", "fp32") > 1e8


def test_a_busy_moment_does_not_stay(monkeypatch):
    looks = iter([1e9, 5e9, 2e9])
    monkeypatch.setattr(duration, "_best", {})
    monkeypatch.setattr(duration, "_flops", lambda *_: next(looks))
    assert [flops("cpu", "fp32") for _ in range(3)] == [1e9, 5e9, 5e9]


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_card_is_counted_by_its_own_constants(device, monkeypatch):
    monkeypatch.setattr(duration, "flops", lambda device, kind: 1e13)
    assert START_S < seconds(WORK, device, "fp32") < 60
