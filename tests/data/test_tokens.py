"""Colouring equals truth: what a piece marks as learnt is what reaches the loss."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AddedToken, AutoTokenizer

from finetune.data.tokens import Piece, chat_piece, preference_pieces, spans, text_piece
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


def learnt(piece, tokenizer):
    return [text for text, flag in spans(piece, tokenizer) if flag]


def test_a_piece_knows_what_was_cut_and_what_is_learnt():
    piece = Piece((1, 2, 3), (False, True, False), full_length=5)
    assert piece.is_truncated and piece.learns
    assert piece.labels() == [-100, 2, -100]
    assert not Piece((1,), (False,), 1).is_truncated
    assert not Piece((1,), (False,), 1).learns


def test_a_template_with_markers_marks_the_answers_and_their_end(tokenizer):
    assert learnt(chat_piece(CHAT, tokenizer, 500), tokenizer) == ["Japan 🇯🇵<|im_end|>", "a\nb<|im_end|>"]


def test_a_template_without_markers_is_masked_by_rendering_up_to_each_answer(tokenizer):
    tokenizer.chat_template = CHATML
    assert learnt(chat_piece(CHAT, tokenizer, 500), tokenizer) == ["Japan 🇯🇵<|im_end|>\n", "a\nb<|im_end|>\n"]


def test_markers_that_leave_out_the_end_of_turn_still_train_it(tokenizer):
    inside = "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    assert inside in tokenizer.chat_template
    outside = "{{ message['content'] }}{% endgeneration %}{{ '<|im_end|>' }}"
    tokenizer.chat_template = tokenizer.chat_template.replace(inside, outside)
    assert learnt(chat_piece(CHAT, tokenizer, 500), tokenizer) == ["Japan 🇯🇵<|im_end|>", "a\nb<|im_end|>"]


def test_special_tokens_that_swallow_the_space_behind_them_do_not_spread_the_mask(tokenizer):
    tokenizer.add_special_tokens({"additional_special_tokens": [AddedToken("<|im_end|>", rstrip=True, special=True)]})
    tokenizer.chat_template = tokenizer.chat_template.replace("'<|im_end|>' }}{% endgen", "'<|im_end|>\n' }}{% endgen")
    assert learnt(chat_piece(CHAT, tokenizer, 500), tokenizer) == ["Japan 🇯🇵<|im_end|>", "a\nb<|im_end|>"]


def test_a_known_template_is_marked_by_its_training_twin(tokenizer):
    from trl.chat_template_utils import qwen2_5_chat_template

    tokenizer.chat_template = qwen2_5_chat_template
    piece = chat_piece(CHAT, tokenizer, 500)
    assert learnt(piece, tokenizer) == ["\nJapan 🇯🇵<|im_end|>\n", "\na\nb<|im_end|>\n"]
    assert list(piece.ids) == tokenizer.apply_chat_template(CHAT)["input_ids"]


def test_the_templates_of_known_models_mark_the_answers_and_nothing_of_the_questions(tokenizer):
    from trl import chat_template_utils as known

    tokenizer.add_special_tokens({"bos_token": "<s>"})
    marked = 0
    for name, template in vars(known).items():
        if not name.endswith("_chat_template") or name.endswith("_training_chat_template"):
            continue
        if not isinstance(template, str):
            continue
        tokenizer.chat_template = template
        try:
            answers = learnt(chat_piece(CHAT[1:], tokenizer, 5000), tokenizer)
        except DataError as error:
            assert any(model in name for model in ("idefics3", "llava", "smolvlm")), (name, error)
            continue
        assert len(answers) == 2, name
        assert "Japan 🇯🇵" in answers[0] and "a\nb" in answers[1], name
        assert not any(word in answer for answer in answers for word in ("heißt", "then")), name
        marked += 1
    assert marked > 20


def test_a_template_that_rewrites_earlier_turns_is_refused(tokenizer):
    tokenizer.chat_template = "{{ messages | length }}" + CHATML
    with pytest.raises(DataError, match="cannot mark the answers"):
        chat_piece(CHAT, tokenizer, 500)


def test_a_model_without_a_template_is_refused(tokenizer):
    tokenizer.chat_template = None
    for everything in (False, True):
        with pytest.raises(DataError, match="no chat template"):
            chat_piece(CHAT, tokenizer, 500, everything)


def test_a_template_that_leaves_out_the_words_is_refused(tokenizer):
    """Templates of vision models take lists of parts, and write nothing for a plain text."""
    tokenizer.chat_template = CHATML.replace("message['content']", "''")
    for make in (lambda: chat_piece(CHAT, tokenizer, 500), lambda: preference_pieces(PAIR, tokenizer, 500)):
        with pytest.raises(DataError, match="leaves out the words"):
            make()


def test_what_a_template_refuses_is_told_in_its_words(tokenizer):
    tokenizer.chat_template = "{{ raise_exception('No system role here.') }}{% generation %}{% endgeneration %}"
    with pytest.raises(DataError, match=r"No system role here\."):
        chat_piece(CHAT, tokenizer, 500)


def test_everything_but_the_first_token_can_be_learnt(tokenizer):
    piece = chat_piece(CHAT, tokenizer, 500, everything=True)
    assert piece.trained == (False, *[True] * (len(piece.ids) - 1))
    assert piece.ids == chat_piece(CHAT, tokenizer, 500).ids


def test_the_cut_keeps_the_start(tokenizer):
    whole = chat_piece(CHAT, tokenizer, 500)
    cut = chat_piece(CHAT, tokenizer, 40)
    assert cut.ids == whole.ids[:40] and cut.trained == whole.trained[:40]
    assert cut.is_truncated and cut.full_length == len(whole.ids) == whole.full_length
    assert not cut.learns


def test_text_ends_with_the_end_of_text_token(tokenizer):
    piece = text_piece("Sea", tokenizer, 100)
    assert tokenizer.decode(list(piece.ids)) == "Sea<|im_end|>"
    assert piece.trained == (False, True, True, True)
    assert text_piece("Sea<|im_end|>", tokenizer, 100).ids == piece.ids
    assert text_piece("", tokenizer, 100).learns is False


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=words, answer=words, length=st.integers(1, 60))
def test_spans_join_to_the_decoded_text_and_break_no_character(shared, question, answer, length):
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    piece = chat_piece(messages, shared, length)
    runs = spans(piece, shared)
    assert "".join(text for text, _ in runs) == shared.decode(list(piece.ids))
    assert all(text for text, _ in runs)
    if not piece.is_truncated:
        assert [text for text, flag in runs if flag] == [f"{answer}<|im_end|>"]


def test_a_character_across_two_flags_stays_whole(tokenizer):
    ids = tokenizer("aé")["input_ids"]
    assert len(ids) == 3
    assert spans(Piece(tuple(ids), (False, False, True), 3), tokenizer) == [("a", False), ("é", True)]
    assert spans(Piece((), (), 0), tokenizer) == []


EXAMPLES = [
    {"messages": CHAT},
    {"messages": CHAT[1:3]},
    {"messages": [{"role": "user", "content": "long " * 30}, {"role": "assistant", "content": "yes"}]},
    {"text": "The sea is blue."},
]


@pytest.mark.parametrize("template", [None, CHATML], ids=["with markers", "without"])
@pytest.mark.parametrize("learn_from", ["answers", "everything"])
def test_the_labels_that_the_trainer_receives_are_the_tokens_shown(tokenizer, template, learn_from):
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    tokenizer.chat_template = template or tokenizer.chat_template
    method = SFT(learn_from=learn_from)
    pieces = [method.pieces(example, tokenizer, 90) for example in EXAMPLES]
    batch = DataCollatorForLanguageModeling(pad_token_id=0)([method.columns(piece) for piece in pieces])
    for row, (piece,) in enumerate(pieces):
        labels = batch["labels"][row].tolist()
        assert [label != -100 for label in labels[: len(piece.ids)]] == list(piece.trained)
        assert batch["input_ids"][row].tolist()[: len(piece.ids)] == list(piece.ids)
        assert set(labels[len(piece.ids) :]) <= {-100}


def test_packing_learns_the_same_tokens(tokenizer):
    from datasets import Dataset

    method = SFT()
    pieces = [method.pieces(example, tokenizer, 90)[0] for example in EXAMPLES]
    packed = pack(Dataset.from_list([method.columns((piece,)) for piece in pieces]), 90, seed=7)
    batch = PackedCollator(pad_token_id=0)([packed[i] for i in range(len(packed))])
    received = batch["input_ids"][batch["labels"] != -100].tolist()
    assert sorted(received) == sorted(
        token for piece in pieces for token, flag in zip(piece.ids, piece.trained) if flag
    )
    assert (batch["labels"] != -100).sum() == sum(sum(piece.trained) for piece in pieces)


def test_pairs_share_their_prompt_and_score_their_answers(tokenizer):
    chosen, rejected = preference_pieces(PAIR, tokenizer, 500)
    assert (chosen.name, rejected.name) == ("chosen", "rejected")
    assert chosen.trained.index(True) == rejected.trained.index(True)
    assert learnt(chosen, tokenizer) == ["A mouse, é.<|im_end|>\n"]
    assert learnt(rejected, tokenizer) == ["A mouse is smaller than an elephant.<|im_end|>\n"]


@pytest.mark.parametrize("length", [500, 60, 50])
def test_pairs_reach_the_trainer_as_they_are_shown(tokenizer, length):
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    pieces = DPO().pieces(PAIR, tokenizer, length)
    batch = DataCollatorForPreference(pad_token_id=0)([DPO().columns(pieces)])
    for row, piece in enumerate(pieces):
        kept = batch["attention_mask"][row].bool()
        assert batch["input_ids"][row][kept].tolist() == list(piece.ids)
        assert batch["completion_mask"][row][kept].tolist() == [int(flag) for flag in piece.trained]


@pytest.mark.parametrize("template", [None, CHATML, "gemma", "thinking"])
def test_pairs_have_the_ids_that_trl_prepares_itself(tokenizer, template):
    """TRL's own preparation of the same pair, cut as its collator cuts."""
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
        pieces = preference_pieces(PAIR, tokenizer, length)
        batch = DataCollatorForPreference(pad_token_id=0, max_length=length)([theirs])
        for row, piece in enumerate(pieces):
            kept = batch["attention_mask"][row].bool()
            assert batch["input_ids"][row][kept].tolist() == list(piece.ids)
            scored = [bool(flag) for flag in batch["completion_mask"][row][kept].tolist()]
            assert scored[1:] == list(piece.trained)[1:]
