import pytest
import torch

from finetune.inference.writer import Writer
from finetune.recipe import ModelSettings

ASKED = [[{"role": "user", "content": text}] for text in ("What of the sea?", "And?")]


@pytest.fixture
def writer(with_tiny):
    return Writer.of_base(ModelSettings(id="tiny"), with_tiny)


def test_greedy_answers_are_those_of_plain_transformers(writer, tiny_model):
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=writer.model.dtype).eval()
    for messages, (found,) in zip(ASKED, writer.answers(ASKED, 1, 8, temperature=0)):
        ids = writer.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt")[
            "input_ids"
        ]
        output = plain.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False)
        assert found == writer.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)


def test_equal_seeds_give_equal_answers_and_leave_the_random_state_alone(writer):
    before = torch.get_rng_state()
    first, again, other = (writer.answers(ASKED, 3, 8, seed=seed) for seed in (1, 1, 2))
    assert first == again != other and [len(group) for group in first] == [3, 3]
    assert len(set(first[0])) > 1
    assert torch.equal(torch.get_rng_state(), before)


def test_a_tuned_model_writes_too(trained, with_tiny):
    run = trained(**{"training.learning_rate": 0.05})
    tuned, base = Writer.of_run(run, with_tiny), Writer.of_base(ModelSettings(id="tiny"), with_tiny)
    assert tuned.answers(ASKED, 1, 8, temperature=0) != base.answers(ASKED, 1, 8, temperature=0)
    further = Writer.of_base(ModelSettings(id="tiny", run=run.id), with_tiny)
    assert further.answers(ASKED, 1, 8, temperature=0) == tuned.answers(ASKED, 1, 8, temperature=0)
