import threading

import pytest

from finetune.inference.sampling import Sampling
from finetune.serving.answer import held, pieces


@pytest.mark.parametrize(
    ("text", "stops", "length"),
    [
        ("abc", (), 0),
        ("abc", ("cd",), 1),
        ("abc", ("bcd", "cx"), 2),
        ("abc", ("abc",), 0),
        ("abc", ("d",), 0),
        ("", ("d",), 0),
        ("aa", ("aaa",), 2),
    ],
)
def test_what_a_stop_text_may_still_take_away_is_held(text, stops, length):
    assert held(text, stops) == length


def of(models, ending=None, most=12, **settings):
    """The pieces of the tuned model's answer."""
    voice = next(iter(models)).voice
    sampling = Sampling(greedy=True, **settings)
    return list(pieces(voice, list(range(30, 40)), sampling, most, ending or threading.Event()))


def test_the_last_piece_says_why_the_answer_ended(models):
    given = of(models)
    assert [each.finish for each in given] == [None] * (len(given) - 1) + ["length"] and given[-1].tokens == 12
    text = "".join(each.text for each in given)
    stopped = of(models, stop=(text[3:5],))
    assert stopped[-1].finish == "stop" and "".join(each.text for each in stopped) == text[: text.index(text[3:5])]


def test_no_piece_is_empty_but_the_last(models):
    assert all(each.text for each in of(models, most=60)[:-1])


def test_the_context_ends_an_answer_that_may_be_longer(models):
    voice = next(iter(models)).voice
    prompt = [30] * (voice.context - 3)
    *_, last = pieces(voice, prompt, Sampling(greedy=True), 4000, threading.Event())
    assert last.tokens <= 3


def test_an_answer_that_is_asked_to_end_ends(models):
    stop = threading.Event()
    stop.set()
    assert of(models, stop)[-1].tokens == 0
