"""Trainers of pairs without a reference: rows, batches, padding rows, several micro-batches."""

import pytest
import torch

from finetune.methods import METHODS
from finetune.methods.pairs import PairCollator

WITHOUT_REFERENCE = ("orpo", "cpo", "simpo")


def test_a_batch_has_the_chosen_answers_first_and_marks_the_answers():
    rows = [
        {"prompt_ids": [1, 2], "chosen_ids": [3], "rejected_ids": [4, 5, 6]},
        {"prompt_ids": [7], "chosen_ids": [8, 9], "rejected_ids": [10]},
    ]
    batch = PairCollator(0)(rows)
    assert batch["input_ids"].tolist() == [[1, 2, 3, 0, 0], [7, 8, 9, 0, 0], [1, 2, 4, 5, 6], [7, 10, 0, 0, 0]]
    assert batch["completion_mask"].tolist() == [[0, 0, 1, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 1, 1], [0, 1, 0, 0, 0]]
    assert batch["attention_mask"].sum(dim=1).tolist() == [3, 3, 5, 2] and batch["is_real"].all()


def test_a_padding_row_is_left_out_and_alone_it_is_no_pair():
    real, padding = {"prompt_ids": [1], "chosen_ids": [2], "rejected_ids": [3]}, METHODS["orpo"].padding_row
    assert PairCollator(0)([padding, real])["input_ids"].tolist() == [[1, 2], [1, 3]]
    alone = PairCollator(0)([padding, padding])
    assert not alone["is_real"].any() and alone["completion_mask"].any(dim=1).all()


@pytest.mark.parametrize("method", WITHOUT_REFERENCE)
def test_padding_rows_change_neither_loss_nor_gradient_nor_measures(method, build, pairs):
    trainer = build(METHODS[method](), pairs)
    real, padding = list(trainer.train_dataset), METHODS[method].padding_row

    def learn(rows):
        trainer.model.zero_grad()
        found = trainer.compute_loss(trainer.model, trainer.data_collator(rows))
        found.backward()
        measures = {name: values[-1] for name, values in trainer._stored_metrics["train"].items()}
        return found.item(), trainer.model.get_input_embeddings().weight.grad.clone(), measures

    (alone, gradient, measures), (padded, same, also) = learn(real), learn([*real, padding])
    assert padded == alone and torch.equal(same, gradient) and also == measures


@pytest.mark.parametrize("method", WITHOUT_REFERENCE)
def test_a_process_with_padding_rows_alone_adds_nothing(method, build, pairs, monkeypatch):
    trainer = build(METHODS[method](), pairs)
    gather = trainer.accelerator.gather
    # As if another process had a pair.
    monkeypatch.setattr(type(trainer.accelerator), "gather", lambda self, value: gather(value) + (value.dim() == 0))
    found = trainer.compute_loss(trainer.model, trainer.data_collator([METHODS[method].padding_row]))
    found.backward()
    assert found == 0 and not trainer.model.get_input_embeddings().weight.grad.any()


@pytest.mark.parametrize("method", WITHOUT_REFERENCE)
def test_a_batch_may_be_divided_into_micro_batches(method, build, pairs):
    trainer = build(METHODS[method](), pairs[:2])
    rows = list(trainer.train_dataset)
    with torch.no_grad():
        together, *alone = (
            trainer.compute_loss(trainer.model, trainer.data_collator(each)).item() for each in (rows, *zip(rows))
        )
    assert together == pytest.approx(sum(alone) / 2, rel=1e-5)


def test_the_loss_is_computed_by_the_chunked_head_and_needs_no_reference(build, pairs):
    from finetune.compat import has_chunked_loss

    for method in WITHOUT_REFERENCE:
        trainer = build(METHODS[method](), pairs)
        assert has_chunked_loss(trainer.model) and not METHODS[method].has_reference
