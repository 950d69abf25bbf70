"""Every answer gets an advice that can be followed; and the cases that a practitioner would insist on."""

import itertools

import pytest

from finetune.adapters import ADAPTERS
from finetune.advice import QUESTIONS, WANTED, Answers, Situation, advise
from finetune.data.kinds import KINDS
from finetune.data.settings import DataSettings
from finetune.methods import METHODS
from finetune.recipe import Recipe

HAVE, CHANGE, KEEP, MACHINE = (question.choices for question in QUESTIONS)
KEPT = [kept for count in range(len(KEEP) + 1) for kept in itertools.combinations(KEEP, count)]
SITUATIONS = [
    Situation(kind, rows, rows * 40, parameters, memory)
    for kind in ("", *KINDS)
    for rows, parameters, memory in ((0, 0, 0), (50, 5e6, 2e10), (300, 8e9, 4e10), (20_000, 1e9, 4e10))
]
BASE = Recipe(data=DataSettings(path="x.jsonl"))


def test_every_combination_gives_an_advice_that_can_be_followed():
    wanted = set()
    for have, change, keep, machine in itertools.product(HAVE, CHANGE, KEPT, MACHINE):
        for at in SITUATIONS:
            found = advise(Answers(have, change, keep, machine), at)
            assert found.reasons and found.adapter in ADAPTERS
            assert not at.kind or at.kind in METHODS[found.method].reads
            wanted.add(tuple(found.changes.items()))
    for changes in wanted:
        assert BASE.changed(**dict(changes)).check() == ()


def test_all_methods_of_the_tables_are_here():
    assert {method for changes in WANTED.values() for method, _ in changes.values()} <= set(METHODS)


@pytest.mark.parametrize(
    "have, change, method",
    [
        ("answers", "style", "sft"),
        ("answers", "reasoning", "sft"),
        ("pairs", "preferences", "dpo"),
        ("pairs", "task", "orpo"),
        ("ratings", "preferences", "kto"),
        ("checker", "reasoning", "grpo"),
        ("checker", "style", "rloo"),
        ("checker", "knowledge", "grpo"),
        ("questions", "task", "rloo"),
        ("text", "knowledge", "cpt"),
    ],
)
def test_a_practitioners_choice(have, change, method):
    assert WANTED[have].get(change, WANTED[have][""])[0] == method
    found = advise(Answers(have, change), Situation("prompt" if have == "questions" else ""))
    assert found.method == method


@pytest.mark.parametrize(
    "answers, at, code",
    [
        (Answers("answers", "facts"), Situation("chat", 5000), "facts"),
        (Answers("nothing", "style"), Situation(), "nothing"),
        (Answers("answers", "style"), Situation("chat", 99), "few"),
        (Answers("pairs", "preferences"), Situation("preference", 12), "few"),
        (Answers("text", "knowledge"), Situation("text", 3, 9000), "few"),
        (Answers("text", "knowledge"), Situation("text", 3, 900_000), ""),
        (Answers("answers", "style"), Situation("chat", 100), ""),
        (Answers("answers", "style"), Situation(), ""),
    ],
)
def test_when_not_to_fine_tune(answers, at, code):
    assert advise(answers, at).against == code


def test_data_that_is_there_decides_over_what_was_said():
    found = advise(Answers("nothing", "preferences"), Situation("preference", 300))
    assert found.method == "dpo" and not found.against and "pairs of answers" in " ".join(found.reasons)
    assert advise(Answers("pairs", "style"), Situation("chat", 300)).method == "sft"


def test_a_program_can_check_answers_of_conversations_too():
    found = advise(Answers("checker", "reasoning"), Situation("chat", 300))
    assert found.method == "grpo"


def test_a_small_gpu_gets_a_preference_method_without_a_reference():
    found = advise(Answers("pairs", "preferences", machine="8"), Situation("preference", 300))
    assert found.method == "simpo" and "SimPO" in " ".join(found.reasons)


def test_the_machine_decides_the_adapter():
    eight_billion = Situation("chat", 300, parameters=8_000_000_000, memory_bytes=10**11)
    assert advise(Answers("answers", "style", machine="80"), eight_billion).adapter == "lora"
    small = advise(Answers("answers", "style", machine="8"), eight_billion)
    assert small.adapter == "qlora" and "8.0 GB" in " ".join(small.reasons)
    huge = Situation("chat", 300, parameters=70_000_000_000)
    assert "smaller model" in " ".join(advise(Answers("answers", "style", machine="24"), huge).reasons)
    many = Situation("chat", 20_000, parameters=1_000_000_000, memory_bytes=10**11)
    assert advise(Answers("answers", "task"), many).adapter == "full"
    assert advise(Answers("answers", "task", keep=("knowledge",)), many).adapter == "lora"


def test_general_knowledge_is_kept_with_replay_data_where_it_ships_and_never_against_a_new_style():
    starter, other = Situation("chat", 300, is_starter=True), Situation("chat", 300)
    assert advise(Answers("answers", "task", ("knowledge",)), starter).replay
    assert not advise(Answers("answers", "style", ("knowledge",)), starter).replay
    found = advise(Answers("answers", "task", ("knowledge",)), other)
    assert not found.replay and "Replay data of your own" in " ".join(found.reasons)


def test_what_must_stay_holds_a_method_with_a_reference_closer_to_it():
    found = advise(Answers("pairs", "preferences", ("refusals",)), Situation("preference", 300))
    assert found.settings == {"method.beta": 0.3}
    assert advise(Answers("answers", "task", ("refusals",)), Situation("chat", 300)).settings == {}
