"""The offered change really fits, and is the mildest that does."""

import pytest

from finetune.data.counts import Counts
from finetune.fit import estimate
from finetune.fit.estimate import Fit, estimate_fit
from finetune.fit.suggest import suggest
from finetune.machine import hardware
from tests.fit.test_estimate import recipe

COUNTS = Counts(64, 500, 64 * 450)


@pytest.fixture(autouse=True)
def only_the_run(monkeypatch):
    """Leaves out what every run adds, which is more than the tiny model itself."""
    monkeypatch.setattr(estimate, "BUFFERS_BYTES", 0)


@pytest.fixture
def wide():
    """A recipe that needs much for its rows and little for its weights."""
    return recipe(adapter="full", length=512, batch_size=8, packing=False)


@pytest.fixture
def with_free(monkeypatch):
    return lambda count: monkeypatch.setattr(hardware, "free_bytes", lambda machine: int(count))


def test_what_fits_is_left_alone(with_tiny, wide):
    assert suggest(wide, with_tiny, COUNTS) is None


def test_a_smaller_part_of_the_batch_comes_first(with_tiny, wide, with_free):
    with_free(estimate_fit(wide, with_tiny, COUNTS).estimate_bytes)
    found = suggest(wide, with_tiny, COUNTS)
    assert found.settings == {"training.accumulation": 2}
    assert found.words == "--set training.accumulation=2" and "same result" in found.what


@pytest.mark.parametrize("share", [0.8, 0.6, 0.5])
def test_the_change_that_is_offered_fits(with_tiny, wide, with_free, share):
    with_free(estimate_fit(wide, with_tiny, COUNTS).estimate_bytes * share)
    found = suggest(wide, with_tiny, COUNTS)
    assert found.fit.fits and estimate_fit(wide.changed(**found.settings), with_tiny, COUNTS).fits


LAST = {"training.accumulation": 8, "training.activation_checkpointing": True, "training.optimizer": "adamw_8bit"}
"""What is given up before any row is cut."""


def test_rows_are_cut_only_when_nothing_milder_helps(with_tiny, wide, with_free):
    with_free(estimate_fit(wide.changed(**LAST), with_tiny, COUNTS).estimate_bytes)
    found = suggest(wide, with_tiny, COUNTS)
    assert found.settings["training.length"] == 250 and "adapter.type" not in found.settings


@pytest.mark.parametrize(
    ("free", "settings"),
    [
        (10_300, {"training.accumulation": 8, "training.length": 250}),
        (5_000, {"adapter.type": "qlora"}),
        (3_000, {"training.accumulation": 2, "adapter.type": "qlora"}),
        (1_300, {"training.accumulation": 8, "training.length": 250, "adapter.type": "qlora"}),
    ],
)
def test_a_rung_that_does_not_help_is_left_out(workspace, wide, monkeypatch, free, settings):
    """On a model whose weights decide: 10,000 bytes as it is, 1,000 in 4 bits, and one for each token at once."""

    def only_shorter(recipe, workspace, counts, gpus):
        weights = 10_000 if recipe.adapter.weight_bits > 4 else 1_000
        at_once = recipe.training.batch_size // recipe.training.accumulation
        needed = weights + at_once * min(recipe.training.length, counts.longest)
        return Fit(0, 0, needed, free, needed <= free, "")

    monkeypatch.setattr("finetune.fit.suggest.estimate_fit", only_shorter)
    assert suggest(wide, workspace, COUNTS).settings == settings


def test_the_add_on_keeps_its_settings_when_the_base_is_compressed(with_tiny, with_free):
    lora = recipe(length=512, batch_size=8, packing=False).changed(**{"adapter.rank": 4})
    tried = lora.changed(**{"training.accumulation": 8, "training.activation_checkpointing": True})
    with_free(estimate_fit(tried, with_tiny, COUNTS).estimate_bytes * 1.1)
    assert lora.changed(**suggest(lora, with_tiny, COUNTS).settings).adapter.rank == 4


def test_where_nothing_helps_nothing_is_offered(with_tiny, wide, with_free):
    with_free(1000)
    assert suggest(wide, with_tiny, COUNTS) is None
