import random
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data import near

WORDS = [f"word{number}" for number in range(3000)]


def texts(count, words=80, seed=1):
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=words)) for _ in range(count)]


def chat(question, answer, system="", **more):
    turns = [{"role": "system", "content": system}] if system else []
    turns += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": turns, **more}


def alike(one, other):
    return near.pairs([one, other]) == [(0, 1)]


def jaccard(one, other):
    runs = [{tuple(text.split()[n : n + 5]) for n in range(len(text.split()) - 4)} for text in (one, other)]
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1])


def test_exactly_the_similar_pairs_are_found():
    rows = texts(1000)
    draw = random.Random(2)
    changed = []
    for row in rows:
        words = row.split()
        for _ in range(draw.randrange(4)):
            words[draw.randrange(len(words))] = "other"
        changed.append(" ".join(words))
    wanted = {(n, 1000 + n) for n in range(1000) if jaccard(rows[n], changed[n]) >= 0.8}
    assert 300 < len(wanted) < 900
    found = set(near.pairs(rows + changed))
    assert found <= wanted
    assert len(found) >= 0.99 * len(wanted)


def test_it_is_deterministic():
    rows = texts(300, words=30)
    rows += [row + " end" for row in rows]
    assert near.pairs(rows) == near.pairs(list(rows)) and len(near.pairs(rows)) == 300


@pytest.mark.parametrize(
    "one, other",
    [
        ("What is the capital of France?", "what is  the capital of FRANCE"),
        ("Yes.", "yes!"),
        ("日本の首都はどこですか。", "日本の首都はどこですか"),
    ],
)
def test_case_space_and_sentence_marks_do_not_count(one, other):
    assert alike(one, other)


@pytest.mark.parametrize(
    "one, other",
    [
        ("What is the capital of France?", "What is the capital of Spain?"),
        ("How much is 7 - 2?", "How much is 7 + 2?"),
        ("It costs 3.5", "It costs 35"),
        ("日本の首都はどこですか。", "中国の首都はどこですか。"),
        ("", "a"),
    ],
)
def test_another_question_is_another_question(one, other):
    assert not alike(one, other)


def test_common_shingles_do_not_make_rows_similar():
    shared = " ".join(WORDS[:200])
    rows = [f"{shared} {text}" for text in texts(100, words=12)]
    assert near.pairs(rows) == []
    assert near.pairs([*rows, rows[7] + "."]) == [(7, 100)]
    examples = [chat(text, "yes", system=shared) for text in texts(2, words=12)]
    assert near.near_duplicates(examples) == set()


def test_a_thousand_copies_are_one_group():
    assert near.near_duplicates([chat(f"the same words as before {'!' * n}", "yes") for n in range(1000)]) == set(
        range(1, 1000)
    )


def test_groups_are_connected_and_keep_their_first():
    assert near.followers([(3, 5), (1, 3), (7, 9), (5, 11)]) == {3, 5, 11, 9}
    assert near.followers([]) == set()


def test_equal_examples_are_duplicates_and_others_are_not():
    tool = [{"type": "function", "function": {"name": "add", "parameters": {"a": [1, 2]}}}]
    examples = [
        chat("q", "a"),
        chat("q", "b"),
        chat("a", "q"),
        chat("q", "a", tools=tool),
        {"text": "q"},
        {"tools": tool, **chat("q", "a")},
        chat("q", "a"),
    ]
    assert near.duplicates(examples) == {5, 6}
    assert near.duplicate_positions(array("q")) == []


def test_only_the_beginning_of_a_row_is_compared_and_a_pair_whole():
    long = "w " * near.MOST_CHARACTERS
    assert len(near.text_of({"text": long})) == near.MOST_CHARACTERS
    turn = [{"role": "assistant", "content": "c"}]
    assert near.text_of({"prompt": [{"role": "user", "content": "p"}], "chosen": turn, "rejected": turn}) == "p\nc\nc"
    assert near.text_of(chat("q", None)) == "q\n"


def test_few_texts_have_no_pairs():
    assert near.pairs([]) == near.pairs(["a"]) == []


def test_equal_turns_have_equal_fingerprints_and_others_do_not():
    one, same = chat("Why?", "Because."), chat("Why?", "Because.")
    others = [
        chat("Because.", "Why?"),
        chat("Why?", "Because.", system="Be kind."),
        {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because.", "weight": 0}]},
        {**one, "answer": "1"},
        {"text": "Why?"},
        {"text": "Why?\ud800"},
        {"messages": [{"role": "assistant", "content": None}]},
    ]
    assert near.fingerprint(one) == near.fingerprint(same)
    assert len({near.fingerprint(example) for example in (one, *others)}) == 1 + len(others)
    numbers, folded = map(near.text_hash, ("user", "Why?", "assistant", "Because.")), 0
    for number in numbers:
        folded = folded * near.FOLD + number
    assert (near.fingerprint(one) - folded) % 2**64 == 0 and -(2**63) <= near.fingerprint(one) < 2**63


@given(numbers=st.lists(st.integers(0, 3), max_size=8), times=st.integers(2, 4))
def test_a_number_has_repeats_if_it_occurs_that_often(numbers, times):
    wanted = any(numbers.count(number) >= times for number in numbers)
    assert near.has_repeats(np.array(numbers, np.int64), times) == wanted
