import pytest
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
