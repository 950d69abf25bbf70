import gc

import pytest

from finetune.errors import BusyError, DataError, ModelError
from finetune.inference import few_shot as module
from finetune.inference.few_shot import few_shot, shot, spread
from finetune.machine.lease import Lease
from finetune.recipe import Recipe


def chat(n: int) -> dict:
    return {"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": f"a{n}"}]}


def recipe(model="tiny", **data):
    return Recipe.from_dict({"model": {"id": model}, "data": {"path": "x.jsonl", **data}})


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(module, "MAX_TOKENS", 12)


@pytest.mark.parametrize(
    "example, found",
    [
        (chat(1), ("q1", "a1")),
        ({"messages": [{"role": "system", "content": "s"}, *chat(1)["messages"], *chat(2)["messages"]]}, ("q1", "a1")),
        (
            {
                "prompt": [{"role": "user", "content": "q"}],
                "chosen": [{"role": "assistant", "content": "good"}],
                "rejected": [{"role": "assistant", "content": "bad"}],
            },
            ("q", "good"),
        ),
        (
            {
                "prompt": [{"role": "user", "content": "q"}],
                "completion": [{"role": "assistant", "content": "bad"}],
                "label": False,
            },
            None,
        ),
        ({"prompt": [{"role": "user", "content": "q"}]}, None),
        ({"text": "A text."}, None),
        ({**chat(1), "tools": []}, None),
        ({"messages": [{"role": "user", "content": "q"}]}, None),
    ],
)
def test_a_shot_is_a_question_with_its_good_answer(example, found):
    assert shot(example) == found


def test_shots_are_spread_evenly_over_the_rows():
    assert spread([chat(n) for n in range(100)], 5) == [(f"q{n}", f"a{n}") for n in (0, 20, 40, 60, 80)]
    assert spread([chat(0), {"text": "x"}], 5) == [("q0", "a0")]


def by_transformers(folder, turns) -> str:
    """What Transformers answers greedily to ``turns``, by itself."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from finetune.machine import hardware

    tokenizer = AutoTokenizer.from_pretrained(folder)
    dtype = hardware.dtype_of(hardware.choose_precision(hardware.machine(), "auto").value)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    text = "".join(f"<|im_start|>{role}\n{words}<|im_end|>\n" for role, words in turns) + "<|im_start|>assistant\n"
    ids = torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])
    made = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
    return tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True).rstrip("\ufffd")


def test_the_answers_are_those_of_transformers_to_the_plain_and_the_longer_prompt(with_tiny, tiny_model):
    train, held_out = [chat(n) for n in range(10)], [chat(77)]
    *_, (tried,) = few_shot(recipe(system="s"), with_tiny, train, held_out)
    assert (tried.question, tried.expected, tried.shots) == ("q77", "a77", 5)
    assert tried.plain == by_transformers(tiny_model, [("system", "s"), ("user", "q77")])
    shots = [turn for n in range(0, 10, 2) for turn in (("user", f"q{n}"), ("assistant", f"a{n}"))]
    assert tried.prompted == by_transformers(tiny_model, [("system", "s"), *shots, ("user", "q77")])


def test_fewer_examples_are_used_where_the_context_is_short(with_tiny):
    long = [
        {"messages": [{"role": "user", "content": "x" * 150}, {"role": "assistant", "content": f"a{n}"}]}
        for n in range(5)
    ]
    *_, (tried,) = few_shot(recipe(), with_tiny, long, [chat(1)])
    assert 0 < tried.shots < 5 and tried.prompted is not None


def test_while_a_run_trains_it_is_refused_and_afterwards_the_device_is_free(with_tiny):
    rows = [chat(1), chat(2)]
    with Lease(with_tiny.path).take(), pytest.raises(BusyError):
        list(few_shot(recipe(), with_tiny, rows, rows))
    list(few_shot(recipe(), with_tiny, rows, rows, asked=1))
    Lease(with_tiny.path).take().__exit__()
    assert not any(isinstance(each, module.Base) for each in gc.get_objects())


def test_rows_without_answers_and_a_model_that_is_away_are_refused(with_tiny):
    with pytest.raises(DataError):
        list(few_shot(recipe(), with_tiny, [{"text": "x"}], [{"text": "x"}]))
    with pytest.raises(ModelError, match="not on this machine"):
        list(few_shot(recipe("nobody/nothing"), with_tiny, [chat(1)], [chat(2)]))
