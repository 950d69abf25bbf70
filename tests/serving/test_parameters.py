import json

import pytest

from finetune.serving.parameters import wanted
from finetune.serving.refused import Refused

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
TEXT = {"model": "m", "prompt": "Once"}


def read(kind="chat", **more):
    return wanted(json.dumps({**(CHAT if kind == "chat" else TEXT), **more}).encode(), kind)


def refused_of(kind="chat", **more) -> Refused:
    with pytest.raises(Refused) as refused:
        read(kind, **more)
    return refused.value


def test_what_is_not_said_is_openais_default_with_a_seed_that_nobody_knows():
    found = read()
    assert (found.sampling.temperature, found.sampling.top_p, found.sampling.stop) == (1.0, 1.0, ())
    assert (found.most, found.streams, found.tells_usage) == (None, False, False)
    assert len({read().sampling.seed for _ in range(4)}) > 1


def test_what_is_said_is_read():
    found = read(
        temperature=0, top_p=0.5, seed=3, stop="x", max_tokens=5, stream=True, stream_options={"include_usage": True},
        top_k=4, repetition_penalty=1.2,
    )  # fmt: skip
    sampling = found.sampling
    assert (sampling.temperature, sampling.top_p, sampling.seed, sampling.stop) == (0, 0.5, 3, ("x",))
    assert (sampling.top_k, sampling.repetition_penalty) == (4, 1.2)
    assert (found.most, found.streams, found.tells_usage) == (5, True, True)
    assert read(max_completion_tokens=6).most == 6 and read(max_completion_tokens=6, max_tokens=6).most == 6
    assert read(stop=["a", "b"]).sampling.stop == ("a", "b")
    assert read("text", prompt=["Once"]).text == "Once"


@pytest.mark.parametrize(
    "harmless",
    [
        {"user": "ada"}, {"metadata": {"a": "b"}}, {"store": True}, {"n": 1}, {"presence_penalty": 0.0},
        {"frequency_penalty": 0}, {"logit_bias": {}}, {"logprobs": False}, {"tools": []}, {"tools": None},
        {"response_format": {"type": "text"}}, {"tool_choice": "none"}, {"temperature": None}, {"seed": None},
        {"stop": None}, {"max_tokens": None}, {"stream": None}, {"stream_options": None}, {"reasoning_effort": None},
        {"stream": True, "stream_options": {"include_obfuscation": False}}, {"top_k": -1},
    ],
    ids=str,
)  # fmt: skip
def test_what_changes_no_answer_passes(harmless):
    given = {"seed": 1, **harmless}
    assert read(**given).messages == read(seed=1).messages and not read(**given).tells_usage


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2), ("presence_penalty", 0.1), ("frequency_penalty", -1), ("logit_bias", {"5": 1}), ("logprobs", True),
        ("top_logprobs", 2), ("tools", [{"type": "function"}]), ("tool_choice", "required"),
        ("response_format", {"type": "json_object"}), ("reasoning_effort", "low"), ("verbosity", "low"),
        ("modalities", ["audio"]), ("audio", {"voice": "x"}), ("functions", [{}]), ("n", True), ("logprobs", 0),
        ("web_search_options", {}),
    ],
)  # fmt: skip
def test_what_would_change_an_answer_and_is_not_supported_is_refused(name, value):
    found = refused_of(**{name: value})
    assert (found.status, found.param, found.code) == (400, name, "unsupported_value")
    assert found.sentence.startswith(f"{name}: this value is not supported. Leave it out")


@pytest.mark.parametrize(("kind", "name"), [("chat", "min_p"), ("chat", "prompt"), ("text", "messages")])
def test_a_parameter_that_nobody_knows_is_refused(kind, name):
    found = refused_of(kind, **{name: 1})
    assert (found.param, found.code) == (name, "unknown_parameter")
    assert found.sentence == f"There is no parameter {name!r} here."


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("temperature", 3, "less than or equal to 2"),
        ("temperature", -0.1, "greater than or equal to 0"),
        ("temperature", "hot", "is a number"),
        ("temperature", True, "is a number"),
        ("temperature", 1e308 * 10, "not JSON"),
        ("top_p", 0, "greater than 0"),
        ("top_p", 1.1, "less than or equal to 1"),
        ("seed", -1, "greater than or equal to 0"),
        ("seed", 2**31, "less than or equal to"),
        ("seed", 1.5, "a whole number"),
        ("max_tokens", 0, "1 or more"),
        ("max_completion_tokens", -5, "1 or more"),
        ("max_tokens", "5", "a whole number"),
        ("stop", "", "none of them empty"),
        ("stop", [1], "a list of texts"),
        ("stop", ["a"] * 9, "at most 8"),
        ("stop", {"a": 1}, "a list of texts"),
        ("stream", "yes", "true or false"),
        ("stream", 1, "true or false"),
        ("stream_options", {"include_usage": True}, "goes with stream"),
        ("model", "", "name one"),
        ("model", 5, "name one"),
        ("repetition_penalty", 0.5, "greater than or equal to 1"),
        ("top_k", 5000, "less than or equal to 1000"),
    ],
)
def test_a_value_out_of_bounds_is_refused_in_words(name, value, words):
    found = refused_of(**{name: value})
    assert found.status == 400 and words in found.sentence and found.sentence.endswith(".")
    assert found.param in (name, None)


def test_two_lengths_that_differ_are_refused():
    assert "something else" in refused_of(max_tokens=5, max_completion_tokens=6).sentence


@pytest.mark.parametrize("prompt", [None, 5, [], ["a", "b"], [1, 2], [[1, 2]]])
def test_what_is_continued_is_one_text(prompt):
    assert refused_of("text", prompt=prompt).param == "prompt"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe\xff", b"[" * 100_000, b'{"seed": NaN}', b'{"seed": ' + b"1" * 5000 + b"}"],
    ids=["empty", "open", "bytes", "deep", "nan", "digits"],
)
def test_a_body_that_is_no_json_is_refused(body):
    with pytest.raises(Refused, match="is not JSON"):
        wanted(body, "chat")


def test_a_body_that_is_no_object_is_refused():
    with pytest.raises(Refused, match="not a JSON object"):
        wanted(b"[]", "chat")
