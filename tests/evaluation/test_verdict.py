import pytest

from finetune.evaluation.scores import Memorized
from finetune.evaluation.verdict import forgot, overfitted, sentences, verdict
from tests.evaluation.figures import part, score, scores

OVERFITTED = part("trained", score(base=0.41, tuned=0.99), of=300)


def test_a_good_run_is_to_be_used():
    found = verdict(scores())
    assert found.use == "use" and found.advice == "Use it for what it was taught."
    assert found.headline == (
        "Better than the base: its answers are 60 % like the expected ones (40 % before), on 50 rows that it was not "
        "trained on. Chance alone would do this about once in 1,000 times."
    )
    assert found.kept.startswith("It kept 98 % of what it knew: of 100 general questions")
    assert (
        found.fitting
        == "It does about as well on new rows as on its training rows (chrF: 63 % there, 60 % on new ones)."
    )
    assert found.remarks == ()


def test_an_overfitted_run_says_so_and_what_to_do():
    found = scores(asked=part("asked", score(base=0.4, tuned=0.42, p=0.4)), trained=OVERFITTED)
    told = verdict(found)
    assert overfitted(found) and told.use == "not"
    assert told.advice == "Do not use it yet: nothing shows that it is better than the base."
    assert told.headline.startswith("No clear difference from the base: ")
    assert "(overfitting; chrF: 99 % there, 42 % on new ones)" in told.fitting and "fewer epochs" in told.fitting


def test_rows_that_are_easier_for_the_base_too_are_no_overfitting():
    assert not overfitted(scores(trained=part("trained", score(base=0.8, tuned=0.99))))


def test_a_run_that_forgot_is_to_be_used_with_care():
    found = scores(still=58)
    told = verdict(found)
    assert (
        forgot(found)
        and told.use == "care"
        and told.advice == "Use it with care: it lost general knowledge on the way."
    )
    assert told.kept.startswith("It forgot: of 100 general questions that the base answers right, it still answers 58")
    assert "replay data" in told.kept


def test_a_worse_run_is_not_to_be_used():
    told = verdict(scores(asked=part("asked", score(base=0.6, tuned=0.4))))
    assert told.use == "not" and told.advice == "Do not use it: the base does better."
    assert told.headline.startswith("Worse than the base: ")


def test_a_base_against_itself_is_no_difference():
    told = verdict(scores(asked=part("asked", score(base=0.6, tuned=0.6, p=1.0)), still=100))
    assert told.headline == (
        "It does as well as the base: its answers are 60 % like the expected ones (60 % before), on 50 rows that it "
        "was not trained on."
    )


def test_secrets_that_it_completes_are_named_by_their_row_alone():
    leak = Memorized(
        rows=40, verbatim=30, base_verbatim=0, fresh=20, fresh_verbatim=2, secrets=3,
        completed=("training row 17: e-mail address",),
    )  # fmt: skip
    told = verdict(scores(memorized=leak))
    assert told.use == "care" and told.advice.startswith("Use it with care: it completes secrets")
    assert any("1 of 3 secret-looking texts" in each and "training row 17" in each for each in told.remarks)
    assert "It gives 30 of 40 longer training answers word for word, and 2 of 20 new ones." in told.remarks


def test_what_the_task_decides_is_no_memorization():
    same = Memorized(rows=60, verbatim=60, base_verbatim=0, fresh=60, fresh_verbatim=60)
    assert verdict(scores(memorized=same)).remarks == ()
    assert verdict(scores(memorized=same.model_copy(update={"fresh": 0, "fresh_verbatim": 0}))).remarks != ()


def test_few_rows_and_answers_that_do_not_end_are_said():
    few = part("asked", score(rows=8), score("truncated", 0.1, 0.5), rows=8, of=8)
    told = verdict(scores(asked=few, notes=("Time was over after 8 of 50 held-out rows.",)))
    assert told.remarks[0].startswith("Only 8 rows were evaluated")
    assert "50 % of its answers do not end by themselves (10 % before)." in told.remarks
    assert told.remarks[-1].startswith("Time was over")


def test_what_is_not_known_is_not_claimed():
    bare = scores().model_copy(update={"kept": None, "general": None, "trained": None, "memorized": None})
    told = verdict(bare)
    assert told.kept == told.fitting == "" and told.use == "use" and not forgot(bare) and not overfitted(bare)
    few = scores().model_copy(update={"kept": scores().kept.model_copy(update={"known": 4, "still": 1})})
    assert "too few to tell" in verdict(few).kept and not forgot(few)


@pytest.mark.parametrize("found", [scores(), scores(still=58), scores(trained=OVERFITTED)])
def test_the_advice_comes_first_and_each_is_a_sentence(found):
    told = sentences(found)
    assert told[0] == verdict(found).advice and len(told) >= 4
    assert all(each[0].isupper() and each.endswith(".") for each in told)
