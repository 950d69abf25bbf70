import pytest
import torch
from transformers import AutoModelForCausalLM

from finetune.methods.distillation import Distillation
from tests.methods.test_sft import CHATS


@pytest.fixture
def taught(build, tiny_teacher):
    """Builds a trainer whose teacher is another tiny model."""
    teacher = AutoModelForCausalLM.from_pretrained(tiny_teacher, dtype=torch.float32)
    return lambda method: build(method, CHATS, teacher=teacher)


def distributions(trainer, model):
    """Log-probabilities (N, V) that ``model`` gives all tokens, at each trained token of the trainer's rows."""
    found = []
    for row in trainer.train_dataset:
        logits = model(torch.tensor([row["input_ids"]])).logits[0, :-1].float()
        found.append(logits[torch.tensor(row["labels"][1:]) != -100])
    return torch.cat(found).log_softmax(-1)


def kl(one, other):
    return (one.exp() * (one - other)).sum(-1)


@pytest.mark.parametrize("beta", [0, 0.3, 1])
@torch.no_grad()
def test_the_loss_is_the_divergence_of_the_paper(beta, taught):
    """Agarwal et al. 2024, eq. 1: the generalized Jensen-Shannon divergence, and the KL at its two ends."""
    trainer = taught(Distillation(teacher="x", beta=beta))
    student = distributions(trainer, trainer.model.eval())
    teacher = distributions(trainer, trainer.teacher_model)
    if beta in (0, 1):
        wanted = kl(teacher, student) if beta == 0 else kl(student, teacher)
    else:
        mixture = (beta * teacher.exp() + (1 - beta) * student.exp()).log()
        wanted = beta * kl(teacher, mixture) + (1 - beta) * kl(student, mixture)
    found = trainer.evaluate()
    assert found["eval_loss"] == pytest.approx(wanted.mean().item(), rel=1e-4)
    agreed = (student.argmax(-1) == teacher.argmax(-1)).float().mean().item()
    assert Distillation().metrics(found) == {"agreement": pytest.approx(agreed)}


def test_the_gradient_is_that_of_the_divergence_and_the_teacher_has_none(taught):
    trainer = taught(Distillation(teacher="x"))
    weight = trainer.model.get_input_embeddings().weight
    batch = trainer._prepare_inputs(trainer.data_collator(list(trainer.train_dataset)))
    trainer.compute_loss(trainer.model, batch).backward()
    found, weight.grad = weight.grad, None
    with torch.no_grad():
        teacher = distributions(trainer, trainer.teacher_model)
    kl(teacher, distributions(trainer, trainer.model)).mean().backward()
    torch.testing.assert_close(found, weight.grad, rtol=1e-3, atol=1e-6)
    assert all(weight.grad is None for weight in trainer.teacher_model.parameters())


def test_a_padding_row_changes_nothing(taught):
    trainer = taught(Distillation(teacher="x"))
    rows, padding = list(trainer.train_dataset), Distillation.padding_row
    with torch.no_grad():
        alone, padded, nothing = (
            trainer.compute_loss(trainer.model, trainer.data_collator(each)).item()
            for each in (rows, [*rows, padding], [padding])
        )
    assert padded == pytest.approx(alone, rel=1e-5) and nothing == 0


def test_a_model_that_is_its_own_teacher_has_nothing_to_learn(build, tiny_model):
    same = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    found = build(Distillation(teacher="x"), CHATS, teacher=same).evaluate()
    assert found["eval_loss"] == pytest.approx(0, abs=1e-6) and found["eval_agreement"] == 1


def test_without_a_teacher_it_is_refused():
    assert "none is named" in Distillation().check().message and Distillation(teacher="x").check() is None


def test_its_memory_can_only_be_measured(with_tiny, tmp_path):
    from finetune.fit.estimate import MEASURED, estimate_fit
    from tests.training.test_train import recipe

    fit = estimate_fit(recipe(tmp_path, "distillation"), with_tiny)
    assert fit.sentence == MEASURED and not fit.gpus


def test_advice_on_conversations():
    assert "distillation" in Distillation.advice("chat", 500)
