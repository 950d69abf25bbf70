"""A run that has changed nothing says so."""

import pytest
import torch

from finetune.training.movement import UNCHANGED, moments


def test_any_trained_weight_that_moves_is_seen_and_a_frozen_one_is_not():
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4))
    model[1].bias.requires_grad = False
    before = moments(model)
    with torch.no_grad():
        model[1].bias += 1
        assert moments(model) == before
        model[0].weight[2, 3] += 1e-3
    assert moments(model) != before


def test_a_change_that_rounding_takes_back_is_none():
    model = torch.nn.Linear(4, 4).to(torch.bfloat16).float()
    before = moments(model, torch.bfloat16)
    with torch.no_grad():
        model.weight *= 1 + 2**-12
    assert moments(model, torch.bfloat16) == before and moments(model) != before


@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_a_run_that_changed_nothing_says_so_and_any_other_does_not(adapter, trained):
    settings = {"adapter": adapter, "training.max_steps": 2}
    still = trained(**settings, **{"training.learning_rate": 1e-60}).view()
    assert (UNCHANGED, "warning") in [(note.message, note.level) for note in still.notes]
    assert UNCHANGED not in [note.message for note in trained(**settings).view().notes]
