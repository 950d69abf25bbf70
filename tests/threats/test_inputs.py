"""What no page would send, to the public endpoints of the running program: each answer is a sentence."""

import json
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.browser import app

LONG = '"' + "a" * 5_000_000 + '"'
TEXTS = ('"a\\u0000"', '"\\ud800"', LONG, '{"a": 1}', "[1]", '""')
NUMBERS = ("9" * 5000, "NaN", "Infinity", "1e400", "-1e999", '"7"', "[]", "true", '"' + "9" * 5000 + '"')


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with app(tmp_path_factory.mktemp("inputs")) as address:
        yield address


def answer(address: str, endpoint: str, values: list[str]) -> str:
    """What an endpoint answers to ``values``, each of them JSON as it is sent."""
    body = f'{{"data": [{", ".join(values)}]}}'.encode()
    at = f"{address}/gradio_api/call/{endpoint}"
    try:
        found = urlopen(Request(at, body, {"Content-Type": "application/json"}), timeout=120)
        event = json.loads(found.read())["event_id"]
        return urlopen(f"{at}/{event}", timeout=120).read().decode()
    except HTTPError as error:
        assert 400 <= error.code < 500, error.code
        return error.read().decode()


def assert_sentence(said: str) -> None:
    """It is refused in words: no bare error, no traceback, no path, and not what was sent."""
    assert "complete" not in said and len(said) < 5000
    assert "data: null" not in said and "Traceback" not in said and "site-packages" not in said
    assert sum(word.isalpha() for word in said.split()) > 3, said


@pytest.mark.threat("S14", "T36", "T34")
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:12])
@pytest.mark.parametrize(("endpoint", "more"), [("start", []), ("status", []), ("stop", []), ("resume", []),
                                                ("compare", ['"hello"', "7", "4", "true", "null"])])  # fmt: skip
def test_a_text_that_is_none_is_refused_in_words(address, endpoint, more, text):
    assert_sentence(answer(address, endpoint, [text, *more]))


@pytest.mark.threat("S14", "T34")
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
@pytest.mark.parametrize("place", [2, 3])
def test_a_number_that_is_none_is_refused_in_words(address, number, place):
    values = ['"1"', '"hello"', "7", "4", "true", "null"]
    values[place] = number
    assert_sentence(answer(address, "compare", values))


@pytest.mark.threat("T36")
def test_after_a_text_of_five_megabytes_the_next_answer_is_soon_there(address):
    began = time.monotonic()
    assert "longer than" in answer(address, "compare", ['"1"', LONG, "7", "4", "true", "null"])
    assert_sentence(answer(address, "status", ['"nothing"']))
    assert time.monotonic() - began < 20
