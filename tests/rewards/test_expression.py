import pytest
from pydantic import ValidationError

from finetune.errors import DataError
from finetune.rewards.expression import Expression
from finetune.rewards.reward import Answered

ANSWER = Answered("Oslo, of course.", prompt="Where?", columns={"city": "Oslo", "answer": "from the file"})


def test_a_formula_over_the_answer_and_the_columns_of_its_row():
    assert Expression(formula="contains(answer, city) and words(answer) <= 3").score(ANSWER) == 1
    assert Expression(formula="words(prompt) * 100").score(ANSWER) == 10


def test_an_answer_for_which_it_gives_no_number_earns_nothing_and_ends_no_run():
    assert Expression(formula="1 / number(answer)").score(ANSWER) is None


def test_a_column_that_the_row_lacks_is_named():
    with pytest.raises(DataError, match="The row has no country; it has city"):
        Expression(formula="contains(answer, country)").score(ANSWER)


def test_what_is_no_formula_is_refused_before_anything_runs():
    with pytest.raises(ValidationError, match="A formula may call: number, words"):
        Expression(formula="answer.upper()")


def test_it_needs_what_it_names():
    assert Expression(formula="answer == expected").needs_expected
    assert not Expression(formula="words(answer)").needs_expected
