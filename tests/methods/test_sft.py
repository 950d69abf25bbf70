import pytest
import torch
from transformers import AutoTokenizer

from finetune.methods.sft import SFT

CHAT = {"messages": [{"role": "user", "content": "Sea?"}, {"role": "assistant", "content": "Blue."}]}


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


def trained(method, example, tokenizer):
    row = method.columns(example, method.sequences(example, tokenizer, 100))
    return tokenizer.decode([label for label in row["labels"] if label != -100])


def test_only_the_answer_is_learnt(tokenizer):
    assert trained(SFT(), CHAT, tokenizer) == "Blue.<|im_end|>"


def test_everything_can_be_learnt(tokenizer):
    assert "Sea?" in trained(SFT(train_on="all"), CHAT, tokenizer)


def test_plain_text_is_learnt_whole_but_for_its_first_token_which_nothing_predicts(tokenizer):
    assert trained(SFT(), {"text": "The sea is blue."}, tokenizer) == "he sea is blue.<|im_end|>"


def test_labels_and_ids_have_equal_length(tokenizer):
    row = SFT().columns(CHAT, SFT().sequences(CHAT, tokenizer, 20))
    assert len(row["labels"]) == len(row["input_ids"]) == 20


def test_an_answer_of_weight_0_carries_no_label(tokenizer):
    turns = [*CHAT["messages"], {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Light."}]
    turns[1] = {**turns[1], "weight": 0}
    assert trained(SFT(), {"messages": turns}, tokenizer) == "Light.<|im_end|>"


@pytest.mark.parametrize(
    "kind, rows, labels, words",
    [
        ("text", 500, 0, "style"),
        ("chat", 40, 0, "40 rows: LoRA, a few epochs. Expect style, not facts: facts that change belong in retrieval."),
        ("chat", 300, 0, "500 good ones or more are worth collecting"),
        ("chat", 1319, 0, "1,319 rows of answers: SFT with LoRA"),
        ("chat", 20_000, 0, "full fine-tuning"),
        ("chat", 200, 4, "4 fixed answers"),
    ],
)
def test_advice_follows_the_kind_and_the_number_of_rows_and_of_answers(kind, rows, labels, words):
    assert words in SFT.advice(kind, rows, labels)


ANSWERS = [("Sea?", "Blue."), ("Sky?", "Grey, and far away."), ("Sun?", "Hot.")]
CHATS = [
    {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}
    for asked, answer in ANSWERS
]


def log_probabilities(model, trainer, **given):
    """Of each trained token of the trainer's rows, from the logits of ``model``; ``given`` replaces its ids."""
    found = []
    for row in trainer.train_dataset:
        logits = model(**(given or {"input_ids": torch.tensor([row["input_ids"]])})).logits[0, :-1]
        labels = torch.tensor(row["labels"][1:])
        picked = logits.log_softmax(-1)[torch.arange(len(labels)), labels.clamp(min=0)]
        found.append(picked[labels != -100])
    return torch.cat(found)


def batch(trainer):
    return trainer._prepare_inputs(trainer.data_collator(list(trainer.train_dataset)))


def test_dft_weights_each_token_by_its_probability_and_evaluates_the_cross_entropy(build):
    trainer = build(SFT(loss_type="dft"), CHATS)
    with torch.no_grad():
        scored = log_probabilities(trainer.model.eval(), trainer)
        trained = trainer.compute_loss(trainer.model, batch(trainer)).item()
    assert trained == pytest.approx((-scored * scored.exp()).mean().item(), rel=1e-5)
    assert trainer.evaluate()["eval_loss"] == pytest.approx(-scored.mean().item(), rel=1e-5)
    assert trainer.args.loss_type == "dft" and trained < -scored.mean()


def test_the_gradient_of_dft_is_that_of_the_cross_entropy_weighted_by_the_probability(build):
    trainer = build(SFT(loss_type="dft"), CHATS)
    weight = trainer.model.get_input_embeddings().weight
    trainer.compute_loss(trainer.model, batch(trainer)).backward()
    found, weight.grad = weight.grad, None
    scored = log_probabilities(trainer.model, trainer)
    (-scored * scored.detach().exp()).mean().backward()
    torch.testing.assert_close(found, weight.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("adapter", ["full", "lora"])
def test_neftune_adds_uniform_noise_to_the_embeddings_while_it_trains_and_never_else(build, adapter):
    from peft import LoraConfig

    lora = LoraConfig(r=2, task_type="CAUSAL_LM", target_modules=["q_proj"]) if adapter == "lora" else None
    trainer = build(SFT(neftune_noise_alpha=5), CHATS[:1], lora)
    plain, read = -log_probabilities(trainer.model.eval(), trainer).mean().item(), []
    first = next(layer for name, layer in trainer.model.named_modules() if name.endswith("layers.0"))
    first.register_forward_pre_hook(lambda layer, given: read.append(given[0].detach()))
    trainer.train()
    ids = torch.tensor([trainer.train_dataset[0]["input_ids"]])
    noise = read[0] - trainer.model.get_input_embeddings()(ids).detach()
    bound = 5 / (ids.shape[1] * 64) ** 0.5  # Jain et al. 2023: α / √(L d)
    assert noise.abs().max() <= bound + 1e-6 and noise.std() == pytest.approx(bound / 3**0.5, rel=0.1)
    loss = next(log["loss"] for log in trainer.state.log_history if "loss" in log)
    noisy = -log_probabilities(trainer.model.eval(), trainer, inputs_embeds=read[0]).mean().item()
    assert loss == pytest.approx(noisy, rel=1e-4) and abs(noisy - plain) > 1e-3
    assert trainer.evaluate()["eval_loss"] == pytest.approx(plain, rel=1e-5)


def test_without_noise_nothing_is_asked_of_the_trainer():
    assert (
        "neftune_noise_alpha" not in SFT().options()
        and SFT(neftune_noise_alpha=5).options()["neftune_noise_alpha"] == 5
    )


def test_label_smoothing_is_not_offered_since_it_bypasses_the_chunked_head(build):
    """It builds all logits, runs the model twice, and TRL 2 removes it; if this fails, it can be offered."""
    trainer = build(SFT(), CHATS, label_smoothing_factor=0.1)
    passes, forward = [], trainer.model.forward
    trainer.model.forward = lambda *given, **named: passes.append("fused_lm_head" in named) or forward(*given, **named)
    trainer.compute_loss(trainer.model, batch(trainer))
    assert passes == [False, True]
