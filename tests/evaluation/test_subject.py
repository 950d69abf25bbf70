"""What base and tuned give for rows, against plain Transformers and PEFT."""

from functools import partial

import pytest
import torch

from finetune.data.tokens import preference_sequences
from finetune.evaluation.metrics import Asked
from finetune.evaluation.questions import asked_of
from finetune.evaluation.subject import LEAST_TOKENS, MOST_TOKENS, Subject

ROWS = [
    {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]}
    for text, answer in (
        ("What of the sea?", "Arr, blue."),
        ("And?", "Aye."),
        ("Who are you, my friend?", "A sailor, I."),
    )
]


@pytest.fixture(scope="module")
def subject(tuned):
    return Subject(*tuned)


def plain(subject, folder):
    """Base and tuned as Transformers and PEFT load them from the files."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    dtype = subject.models[0].variant.model.dtype
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    other = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    return base, PeftModel.from_pretrained(other, str(subject.run.model_dir)).eval()


def test_answers_and_losses_are_those_of_transformers_and_peft(subject, tiny_model):
    asked = [asked_of(row) for row in ROWS]
    found = subject.replies(asked, 12)
    for n, model in enumerate(plain(subject, tiny_model)):
        for row, both in zip(ROWS, found):
            render = partial(subject.tokenizer.apply_chat_template, tokenize=False)
            text = render(row["messages"][:1], add_generation_prompt=True)
            ids = torch.tensor([subject.tokenizer(text, add_special_tokens=False)["input_ids"]])
            output = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False
            )
            answer = subject.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)
            assert both[n].written == answer.rstrip("\ufffd")
            whole = render(row["messages"]).rstrip("\n")
            every = subject.tokenizer(whole, add_special_tokens=False)["input_ids"]
            labels = [-100] * ids.shape[1] + every[ids.shape[1] :]
            with torch.inference_mode():
                loss = model(input_ids=torch.tensor([every]), labels=torch.tensor([labels])).loss
            assert both[n].given.loss == pytest.approx(float(loss), rel=0.01)
            assert both[n].given.loss_tokens == len(every) - ids.shape[1]
    assert found[0][0].given.loss != found[0][1].given.loss


def test_a_pair_has_a_margin_and_the_loss_of_its_chosen_answer(subject, tiny_model):
    prompt, one, two = ROWS[0]["messages"][:1], ROWS[0]["messages"][1], {"role": "assistant", "content": "No."}
    pair = asked_of({"prompt": prompt, "chosen": [one], "rejected": [two]})
    (both,) = subject.replies([pair], 4)
    for n, model in enumerate(plain(subject, tiny_model)):
        chosen, rejected = (
            float(model(input_ids=torch.tensor([each.ids]), labels=torch.tensor([each.labels()])).loss)
            for each in preference_sequences(pair.example, subject.tokenizer, 200)
        )
        assert both[n].given.loss == pytest.approx(chosen, abs=1e-3)
        assert both[n].given.margin == pytest.approx(rejected - chosen, abs=1e-3)


def test_a_text_is_scored_and_not_asked(subject):
    (both,) = subject.replies([Asked((), example={"text": "The sea is blue."})], 4)
    assert both[0].written == "" and both[0].given.loss > 0 and both[0].given.loss_tokens >= 15


def test_what_the_models_cannot_read_is_left_out(subject):
    long = Asked(({"role": "user", "content": "x" * 600},), "y")
    short = asked_of(ROWS[0])
    assert subject.readable([long, short]) == [short]


def test_an_answer_may_be_somewhat_longer_than_the_expected_ones(subject):
    def longest(*expected):
        return subject.longest_answer([Asked((), each) for each in expected])

    assert longest("short") == LEAST_TOKENS and longest("x" * 100, "y") == 150 and longest("x" * 5000) == MOST_TOKENS
    assert longest("") == MOST_TOKENS // 2


def test_a_stopped_subject_gives_nothing(subject):
    assert subject.replies([asked_of(ROWS[0])], 4, lambda: True) == []
