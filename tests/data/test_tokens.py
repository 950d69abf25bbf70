"""The loss mask is true: the tokens that a sequence marks as trained are those that reach the loss."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AddedToken, AutoTokenizer

from finetune.data.tokens import (
    TokenSequence,
    chat_sequence,
    preference_sequences,
    rated_sequence,
    segments_sequence,
    spans,
    template_of,
    text_sequence,
    with_chatml,
)
from finetune.errors import DataError
from finetune.methods.dpo import DPO
from finetune.methods.packing import PackedCollator, pack
from finetune.methods.sft import SFT

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML without markers, as most chat models ship it."""

CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Wie heißt 日本?"},
    {"role": "assistant", "content": "Japan 🇯🇵"},
    {"role": "user", "content": "And then?"},
    {"role": "assistant", "content": "a\nb"},
]
PAIR = {
    "prompt": [{"role": "user", "content": "Which is smaller?"}],
    "chosen": [{"role": "assistant", "content": "A mouse, é."}],
    "rejected": [{"role": "assistant", "content": "A mouse is smaller than an elephant."}],
}
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@pytest.fixture
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


@pytest.fixture(scope="module")
def shared(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


def trained(sequence, tokenizer):
    return [text for text, flag in spans(sequence, tokenizer) if flag]


def test_a_sequence_knows_its_truncation_and_its_trained_tokens():
    sequence = TokenSequence((1, 2, 3), (False, True, False), full_length=5)
    assert sequence.is_truncated and sequence.has_trained_tokens
    assert sequence.labels() == [-100, 2, -100]
    assert not TokenSequence((1,), (False,), 1).is_truncated
    assert not TokenSequence((1,), (False,), 1).has_trained_tokens


def test_a_template_with_markers_marks_the_answers_and_their_end(tokenizer):
    assert trained(chat_sequence(CHAT, tokenizer, 500), tokenizer) == ["Japan 🇯🇵<|im_end|>", "a\nb<|im_end|>"]


def test_a_template_without_markers_is_masked_by_rendering_up_to_each_answer(tokenizer):
    tokenizer.chat_template = CHATML
    assert trained(chat_sequence(CHAT, tokenizer, 500), tokenizer) == ["Japan 🇯🇵<|im_end|>\n", "a\nb<|im_end|>\n"]


def test_markers_that_omit_the_end_of_turn_still_train_it(tokenizer):
    inside = "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    assert inside in tokenizer.chat_template
    outside = "{{ message['content'] }}{% endgeneration %}{{ '<|im_end|>' }}"
    tokenizer.chat_template = tokenizer.chat_template.replace(inside, outside)
    assert trained(chat_sequence(CHAT, tokenizer, 500), tokenizer) == ["Japan 🇯🇵<|im_end|>", "a\nb<|im_end|>"]


def test_special_tokens_that_swallow_the_space_behind_them_do_not_spread_the_mask(tokenizer):
    tokenizer.add_special_tokens({"additional_special_tokens": [AddedToken("<|im_end|>", rstrip=True, special=True)]})
    tokenizer.chat_template = tokenizer.chat_template.replace("'<|im_end|>' }}{% endgen", "'<|im_end|>\n' }}{% endgen")
    assert trained(chat_sequence(CHAT, tokenizer, 500), tokenizer) == ["Japan 🇯🇵<|im_end|>", "a\nb<|im_end|>"]


def test_a_known_template_is_marked_by_its_training_variant(tokenizer):
    from trl.chat_template_utils import qwen2_5_chat_template

    tokenizer.chat_template = qwen2_5_chat_template
    sequence = chat_sequence(CHAT, tokenizer, 500)
    assert trained(sequence, tokenizer) == ["\nJapan 🇯🇵<|im_end|>\n", "\na\nb<|im_end|>\n"]
    assert list(sequence.ids) == tokenizer.apply_chat_template(CHAT)["input_ids"]


def test_the_templates_of_known_models_mark_the_answers_and_nothing_of_the_questions(tokenizer):
    from trl import chat_template_utils as known

    tokenizer.add_special_tokens({"bos_token": "<s>"})
    marked, refused = 0, set()
    for name, template in vars(known).items():
        if not name.endswith("_chat_template") or name.endswith("_training_chat_template"):
            continue
        if not isinstance(template, str):
            continue
        tokenizer.chat_template = template
        try:
            answers = trained(chat_sequence(CHAT[1:], tokenizer, 5000), tokenizer)
        except DataError:
            refused.add(name.removesuffix("_chat_template"))
            continue
        assert len(answers) == 2, name
        assert "Japan 🇯🇵" in answers[0] and "a\nb" in answers[1], name
        assert not any(word in answer for answer in answers for word in ("heißt", "then")), name
        marked += 1
    assert marked > 20 and refused == {"idefics3", "llava_next", "smolvlm"}


def test_a_template_that_rewrites_earlier_turns_is_masked_where_the_only_answer_ends_it(tokenizer):
    tokenizer.chat_template = "{{ messages | length }}" + CHATML
    for answer in ("Japan 🇯🇵", "0", "Z", "00"):
        messages = [*CHAT[:2], {"role": "assistant", "content": answer}]
        assert trained(chat_sequence(messages, tokenizer, 500), tokenizer) == [f"{answer}<|im_end|>\n"]


def test_only_the_answer_is_trained_if_it_begins_unlike_the_generation_prompt(tokenizer):
    tokenizer.chat_template = CHATML.replace("assistant\n' }}{% endif", "assistant\n<plan>\n' }}{% endif")
    assert trained(chat_sequence(CHAT[:3], tokenizer, 500), tokenizer) == ["Japan 🇯🇵<|im_end|>\n"]


def test_a_template_that_writes_the_question_behind_the_answer_is_refused(tokenizer):
    tokenizer.chat_template = "{{ messages | length }}" + CHATML + "{{ messages[-2]['content'] }}"
    with pytest.raises(DataError, match="cannot mark the answers"):
        chat_sequence(CHAT[:3], tokenizer, 500)


@pytest.mark.parametrize("template", [None, CHATML], ids=["with markers", "without"])
def test_an_answer_of_weight_0_is_masked(tokenizer, template):
    tokenizer.chat_template = template or tokenizer.chat_template
    weighted = [*CHAT[:2], {**CHAT[2], "weight": 0}, *CHAT[3:]]
    plain, sequence = chat_sequence(CHAT, tokenizer, 500), chat_sequence(weighted, tokenizer, 500)
    assert sequence.ids == plain.ids
    assert trained(sequence, tokenizer) == trained(plain, tokenizer)[1:]
    others = [
        text for text, flag in spans(chat_sequence(weighted, tokenizer, 500, train_all=True), tokenizer) if not flag
    ]
    assert others[1:] == trained(plain, tokenizer)[:1] and len(others) == 2


def test_a_template_that_rewrites_earlier_turns_is_refused(tokenizer):
    tokenizer.chat_template = "{{ messages | length }}" + CHATML
    with pytest.raises(DataError, match="cannot mark the answers"):
        chat_sequence(CHAT, tokenizer, 500)


def test_a_model_without_a_template_is_refused(tokenizer):
    tokenizer.chat_template = None
    for everything in (False, True):
        with pytest.raises(DataError, match="no chat template"):
            chat_sequence(CHAT, tokenizer, 500, everything)


def test_a_template_that_omits_the_text_is_refused(tokenizer):
    """Templates of vision models take lists of parts, and write nothing for a plain text."""
    tokenizer.chat_template = CHATML.replace("message['content']", "''")
    for make in (lambda: chat_sequence(CHAT, tokenizer, 500), lambda: preference_sequences(PAIR, tokenizer, 500)):
        with pytest.raises(DataError, match="omits the text"):
            make()


def test_a_template_refusal_is_reported_in_its_words(tokenizer):
    tokenizer.chat_template = "{{ raise_exception('No system role here.') }}{% generation %}{% endgeneration %}"
    with pytest.raises(DataError, match=r"No system role here\."):
        chat_sequence(CHAT, tokenizer, 500)


def test_all_tokens_but_the_first_can_be_trained(tokenizer):
    sequence = chat_sequence(CHAT, tokenizer, 500, train_all=True)
    assert sequence.trained == (False, *[True] * (len(sequence.ids) - 1))
    assert sequence.ids == chat_sequence(CHAT, tokenizer, 500).ids


def test_truncation_keeps_the_start(tokenizer):
    whole = chat_sequence(CHAT, tokenizer, 500)
    truncated = chat_sequence(CHAT, tokenizer, 40)
    assert truncated.ids == whole.ids[:40] and truncated.trained == whole.trained[:40]
    assert truncated.is_truncated and truncated.full_length == len(whole.ids) == whole.full_length
    assert not truncated.has_trained_tokens


def test_text_ends_with_the_end_of_text_token(tokenizer):
    sequence = text_sequence("Sea", tokenizer, 100)
    assert tokenizer.decode(list(sequence.ids)) == "Sea<|im_end|>"
    assert sequence.trained == (False, True, True, True)
    assert text_sequence("Sea<|im_end|>", tokenizer, 100).ids == sequence.ids
    assert text_sequence("", tokenizer, 100).has_trained_tokens is False


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=words, answer=words, length=st.integers(1, 60))
def test_spans_join_to_the_decoded_text_and_break_no_character(shared, question, answer, length):
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    sequence = chat_sequence(messages, shared, length)
    runs = spans(sequence, shared)
    assert "".join(text for text, _ in runs) == shared.decode(list(sequence.ids))
    assert all(text for text, _ in runs)
    if not sequence.is_truncated:
        assert [text for text, flag in runs if flag] == [f"{answer}<|im_end|>"]


def test_a_character_across_two_flags_stays_whole(tokenizer):
    ids = tokenizer("aé")["input_ids"]
    assert len(ids) == 3
    assert spans(TokenSequence(tuple(ids), (False, False, True), 3), tokenizer) == [("a", False), ("é", True)]
    assert spans(TokenSequence((), (), 0), tokenizer) == []


EXAMPLES = [
    {"messages": CHAT},
    {"messages": CHAT[1:3]},
    {"messages": [{"role": "user", "content": "long " * 30}, {"role": "assistant", "content": "yes"}]},
    {"text": "The sea is blue."},
]


@pytest.mark.parametrize("template", [None, CHATML], ids=["with markers", "without"])
@pytest.mark.parametrize("train_on", ["assistant", "all"])
def test_the_labels_that_the_trainer_receives_are_the_tokens_shown(tokenizer, template, train_on):
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    tokenizer.chat_template = template or tokenizer.chat_template
    method = SFT(train_on=train_on)
    sequences = [method.sequences(example, tokenizer, 90) for example in EXAMPLES]
    batch = DataCollatorForLanguageModeling(pad_token_id=0)([method.columns({}, sequence) for sequence in sequences])
    for row, (sequence,) in enumerate(sequences):
        labels = batch["labels"][row].tolist()
        assert [label != -100 for label in labels[: len(sequence.ids)]] == list(sequence.trained)
        assert batch["input_ids"][row].tolist()[: len(sequence.ids)] == list(sequence.ids)
        assert set(labels[len(sequence.ids) :]) <= {-100}


def test_packing_trains_the_same_tokens(tokenizer):
    from datasets import Dataset

    method = SFT()
    sequences = [method.sequences(example, tokenizer, 90)[0] for example in EXAMPLES]
    packed = pack(Dataset.from_list([method.columns({}, (sequence,)) for sequence in sequences]), 90, seed=7)
    batch = PackedCollator(pad_token_id=0)([packed[i] for i in range(len(packed))])
    received = batch["input_ids"][batch["labels"] != -100].tolist()
    assert sorted(received) == sorted(
        token for sequence in sequences for token, flag in zip(sequence.ids, sequence.trained) if flag
    )
    assert (batch["labels"] != -100).sum() == sum(sum(sequence.trained) for sequence in sequences)


def test_pairs_share_their_prompt_and_score_their_answers(tokenizer):
    chosen, rejected = preference_sequences(PAIR, tokenizer, 500)
    assert (chosen.name, rejected.name) == ("chosen", "rejected")
    assert chosen.trained.index(True) == rejected.trained.index(True)
    assert trained(chosen, tokenizer) == ["A mouse, é.<|im_end|>\n"]
    assert trained(rejected, tokenizer) == ["A mouse is smaller than an elephant.<|im_end|>\n"]


@pytest.mark.parametrize("length", [500, 60, 50])
def test_pairs_reach_the_trainer_as_they_are_shown(tokenizer, length):
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    sequences = DPO().sequences(PAIR, tokenizer, length)
    batch = DataCollatorForPreference(pad_token_id=0)([DPO().columns({}, sequences)])
    for row, sequence in enumerate(sequences):
        kept = batch["attention_mask"][row].bool()
        assert batch["input_ids"][row][kept].tolist() == list(sequence.ids)
        assert batch["completion_mask"][row][kept].tolist() == [int(flag) for flag in sequence.trained]


@pytest.mark.parametrize("template", [None, CHATML, "gemma", "thinking"])
def test_pairs_have_the_ids_that_trl_prepares_itself(tokenizer, template):
    """TRL's own preparation of the same pair, truncated as its collator does."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    twisted = {  # templates whose prompt alone is no prefix of the prompt with an answer
        "gemma": CHATML.replace("assistant\n' }}{% endif", "assistant\n<empty>' }}{% endif"),
        "thinking": "{{ 'x' if add_generation_prompt else 'y' }}" + CHATML,
    }
    tokenizer.chat_template = twisted.get(template, template or tokenizer.chat_template)
    trainer = DPOTrainer.__new__(DPOTrainer)
    arguments = DPOConfig(output_dir="unused", max_length=None, use_cpu=True, bf16=False)
    theirs = trainer._prepare_dataset(Dataset.from_list([PAIR]), tokenizer, arguments, "train")[0]
    for length in (500, 58):
        sequences = preference_sequences(PAIR, tokenizer, length)
        batch = DataCollatorForPreference(pad_token_id=0, max_length=length)([theirs])
        for row, sequence in enumerate(sequences):
            kept = batch["attention_mask"][row].bool()
            assert batch["input_ids"][row][kept].tolist() == list(sequence.ids)
            scored = [bool(flag) for flag in batch["completion_mask"][row][kept].tolist()]
            assert scored[1:] == list(sequence.trained)[1:]


TOOL = {"type": "function", "function": {"name": "find_harbour", "description": "d", "parameters": {"type": "object"}}}
CALLS = [
    {"role": "user", "content": "Where?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"type": "function", "function": {"name": "find_harbour", "arguments": {"sea": "North"}}}],
    },
    {"role": "tool", "content": "Kiel"},
    {"role": "assistant", "content": "In Kiel."},
]


def test_tool_calls_are_trained_and_their_results_are_not(tokenizer):
    from trl.chat_template_utils import qwen2_5_chat_template

    tokenizer.chat_template = qwen2_5_chat_template
    sequence = chat_sequence(CALLS, tokenizer, 5000, tools=[TOOL])
    call, answer = trained(sequence, tokenizer)
    assert '{"name": "find_harbour", "arguments": {"sea": "North"}}' in call and "Kiel" not in call
    assert "In Kiel." in answer
    assert '"description": "d"' in tokenizer.decode(list(sequence.ids))
    assert SFT().sequences({"messages": CALLS, "tools": [TOOL]}, tokenizer, 5000) == (sequence,)


def test_a_template_that_omits_tools_is_refused(tokenizer):
    pair = {"prompt": CALLS[:1], "chosen": CALLS[3:], "rejected": CALLS[3:], "tools": [TOOL]}
    for make in (
        lambda: chat_sequence(CHAT, tokenizer, 500, tools=[TOOL]),
        lambda: chat_sequence(CALLS, tokenizer, 500),
        lambda: chat_sequence(CALLS, tokenizer, 500, train_all=True),
        lambda: preference_sequences(pair, tokenizer, 500),
    ):
        with pytest.raises(DataError, match='omits tools: it does not render .*"find_harbour"'):
            make()


def test_a_template_that_omits_reasoning_is_refused(tokenizer):
    from trl.chat_template_utils import deepseekv3_chat_template, qwen3_chat_template

    reasoned = [*CHAT[1:2], {"role": "assistant", "content": "<think>\nAn island.\n</think>\n\nJapan"}]
    tokenizer.add_special_tokens({"bos_token": "<s>"})
    tokenizer.chat_template = deepseekv3_chat_template
    with pytest.raises(DataError, match="omits the reasoning"):
        chat_sequence(reasoned, tokenizer, 5000)
    tokenizer.chat_template = qwen3_chat_template
    assert (
        "<think>\nAn island.\n</think>\n\nJapan<|im_end|>"
        in trained(chat_sequence(reasoned, tokenizer, 5000), tokenizer)[0]
    )


def test_a_rated_answer_is_trained_from_where_its_prompt_ends(tokenizer):
    example = {"prompt": PAIR["prompt"], "completion": PAIR["chosen"], "label": True}
    (sequence,) = rated_sequence(example, tokenizer, 500)
    assert trained(sequence, tokenizer) == ["A mouse, é.<|im_end|>\n"]
    assert sequence.ids == preference_sequences(PAIR, tokenizer, 500)[0].ids
    assert not rated_sequence(example, tokenizer, 20)[0].has_trained_tokens


def test_the_template_can_be_shown(tokenizer):
    assert template_of(tokenizer) == tokenizer.chat_template
    tokenizer.chat_template = {"default": CHATML, "tool_use": "x"}
    assert template_of(tokenizer) == CHATML
    tokenizer.chat_template = None
    assert template_of(tokenizer) == ""


def base(tokens, eos, bos=None):
    """A tokenizer without a chat template, with these special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocab = {char: i for i, char in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    raw = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens(tokens)
    if bos:
        raw.post_processor = processors.TemplateProcessing(f"{bos} $A", None, [(bos, raw.token_to_id(bos))])
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=eos, bos_token=bos)


def test_a_base_model_takes_chatml_and_is_trained_to_stop():
    plain = base(["<s>", "</s>"], "</s>", "<s>")
    tokenizer = with_chatml(plain)
    assert plain.chat_template is None
    sequence = chat_sequence(CHAT, tokenizer, 500)
    assert trained(sequence, tokenizer) == ["Japan 🇯🇵</s>", "a\nb</s>"]
    assert [
        sequence.ids[i] for i in range(1, len(sequence.ids)) if sequence.trained[i - 1] and not sequence.trained[i]
    ] == [tokenizer("\n", add_special_tokens=False)["input_ids"][0]] * 2
    assert tokenizer.decode(list(sequence.ids)).startswith(
        "<s><|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user"
    )
    assert sequence.ids.count(tokenizer.eos_token_id) == 2


@pytest.mark.parametrize("template", ["{{ bos_token }}" + CHATML, None], ids=["its own", "ChatML"])
def test_the_token_that_begins_a_text_comes_once(template):
    """As Llama and Gemma have it: the tokenizer writes it before a text, and the template before a chat."""
    from finetune.inference.question import prompt_tokens

    tokenizer = base(["<s>", "</s>", "<|im_start|>", "<|im_end|>"], "</s>", "<s>")
    tokenizer.chat_template = template
    tokenizer = tokenizer if template else with_chatml(tokenizer)
    rated = rated_sequence({"prompt": PAIR["prompt"], "completion": PAIR["chosen"]}, tokenizer, 500)
    written = [chat_sequence(CHAT, tokenizer, 500), text_sequence("Sea", tokenizer, 500), *rated]
    written += preference_sequences(PAIR, tokenizer, 500)
    for ids in [*(list(sequence.ids) for sequence in written), prompt_tokens(tokenizer, CHAT[:2])]:
        assert ids[0] == tokenizer.bos_token_id and ids.count(tokenizer.bos_token_id) == 1


def test_chatml_ends_with_its_own_token_if_the_vocabulary_has_it():
    tokenizer = with_chatml(base(["<|endoftext|>", "<|im_start|>", "<|im_end|>"], "<|endoftext|>"))
    assert tokenizer.eos_token == "<|im_end|>"
    sequence = chat_sequence(CHAT, tokenizer, 500)
    assert trained(sequence, tokenizer) == ["Japan 🇯🇵<|im_end|>", "a\nb<|im_end|>"]
    assert sequence.ids.count(tokenizer.eos_token_id) == 5
    assert tokenizer.decode(list(sequence.ids)).startswith("<|im_start|>system")


def test_segments_are_trained_by_their_labels(tokenizer):
    segments = [{"text": "Q: é? ", "label": False}, {"text": "A: ja<|im_end|>", "label": True}]
    sequence = segments_sequence(segments, tokenizer, 500)
    assert tokenizer.decode(sequence.ids) == "Q: é? A: ja<|im_end|>" and trained(sequence, tokenizer) == [
        "A: ja<|im_end|>"
    ]
    assert segments_sequence(segments, tokenizer, 500, train_all=True).trained == (
        False,
        *[True] * (len(sequence.ids) - 1),
    )
    assert segments_sequence(segments, tokenizer, 5).is_truncated
    assert SFT().sequences({"text": "", "segments": segments}, tokenizer, 500) == (sequence,)
