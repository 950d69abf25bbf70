from types import SimpleNamespace

import pytest

from finetune.commands.judge import judge_of
from finetune.errors import RunError


def options(judge="starter", endpoint=None, criteria=None):
    return SimpleNamespace(judge=judge, endpoint=endpoint, criteria=criteria)


def test_a_judge_has_what_is_given_and_its_own_criteria_else():
    assert judge_of(options(judge="")) is None
    assert judge_of(options(criteria="It is short.")).criteria == "It is short."
    assert judge_of(options()).criteria


@pytest.mark.parametrize(
    "given, words", [({"endpoint": "ftp://x"}, "An endpoint is an address"), ({"judge": "../x"}, "model")]
)
def test_what_cannot_judge_is_refused_in_words(given, words):
    with pytest.raises(RunError) as caught:
        judge_of(options(**given))
    assert words in str(caught.value) and "pydantic" not in str(caught.value)
