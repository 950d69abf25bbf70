"""A run as the official client of OpenAI sees it, against plain Transformers and PEFT."""

import json
import threading
import time
import urllib.request
from dataclasses import replace

import httpx
import openai
import pytest

from finetune.door.budget import Budget
from finetune.inference.chat import Pair
from finetune.inference.sampling import Sampling
from finetune.inference.untouched import dtype_of
from finetune.models.locate import STARTER
from finetune.serving.models import Models
from tests.door.served import at_once, connection, head, rest
from tests.inference.tuned import save_tuned
from tests.serving.live import Plain, serving

HELLO = [{"role": "user", "content": "What of the sea?"}]
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "12+7"},
    {"role": "assistant", "content": "19"},
    {"role": "user", "content": [{"type": "text", "text": "Γειά"}, {"type": "text", "text": "🙂"}]},
]
QUESTIONS = [HELLO, TALK, *([{"role": "user", "content": text}] for text in ("Hi", "你好", "why not", "a b c"))]
COUNT = 12


def ask(client, model, messages=HELLO, **options):
    given = {"temperature": 0, "max_tokens": COUNT, **options}
    return client.chat.completions.create(model=model, messages=messages, **given)


def streamed(client, model, messages=HELLO, **options):
    """The chunks of a streamed answer."""
    return list(ask(client, model, messages, stream=True, **options))


def a_long_one(client, home, most=COUNT) -> tuple[str, list, str]:
    """A model and a question that it answers at length, and that answer: what random weights say is up to rounding."""
    for name in (home[1]["lora"].id, "tiny"):
        for messages in QUESTIONS:
            choice = ask(client, name, messages, max_tokens=most).choices[0]
            if choice.finish_reason == "length" and len(choice.message.content) >= most:
                return name, messages, choice.message.content
    raise AssertionError("Every answer ends early.")


def text_of(chunks) -> str:
    return "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)


@pytest.mark.usefixtures("one_4bit_kernel")
@pytest.mark.parametrize("kind", ["lora", "full", "prefix", "qlora"])
def test_base_and_tuned_answer_as_plain_transformers_and_peft_do_plain_and_streamed(home, tiny_model, kind):
    workspace, runs = home
    run = runs[kind]
    recipe = run.as_trained
    loading = {"dtype": dtype_of(recipe)}
    if config := recipe.adapter.quantization():
        loading["quantization_config"] = config
    base = Plain(tiny_model, **loading)
    tuned = Plain(run.model_dir, **loading) if kind == "full" else Plain(tiny_model, run.model_dir, **loading)
    differ = 0
    with serving(Models.load(run, workspace), workspace) as live, live.client() as client:
        for messages in QUESTIONS:
            texts = []
            for name, plain in (("tiny", base), (run.id, tuned)):
                joined = [
                    {**each, "content": "\n".join(part["text"] for part in each["content"])}
                    if isinstance(each["content"], list)
                    else each
                    for each in messages
                ]
                prompt = plain.prompt(joined)
                ids = plain.ids(prompt, COUNT)
                answer = ask(client, name, messages)
                assert answer.choices[0].message.content == plain.text(ids)
                assert answer.choices[0].finish_reason == ("length" if len(ids) == COUNT else "stop")
                usage = answer.usage
                assert (usage.prompt_tokens, usage.completion_tokens) == (len(prompt), len(ids))
                assert usage.total_tokens == len(prompt) + len(ids) and answer.model == name
                assert text_of(streamed(client, name, messages)) == answer.choices[0].message.content
                texts.append(answer.choices[0].message.content)
            differ += texts[0] != texts[1]
    assert differ > len(QUESTIONS) / 2


def test_a_run_of_the_included_model_answers_as_plain_transformers_and_peft_do(home):
    workspace, runs = home
    run = workspace.create(runs["lora"].recipe.changed(**{"model.id": "starter"}))
    save_tuned(run.recipe.adapter, STARTER, run.model_dir, 3)
    dtype = dtype_of(run.recipe)
    plain = {"starter": Plain(STARTER, dtype=dtype), run.id: Plain(STARTER, run.model_dir, dtype=dtype)}
    with serving(Models.load(run, workspace), workspace) as live, live.client() as client:
        for text in ("What is the capital of France?", "Say hello."):
            messages = [{"role": "user", "content": text}]
            found = {name: ask(client, name, messages) for name in plain}
            for name, answer in found.items():
                ids = plain[name].ids(plain[name].prompt(messages), COUNT)
                assert answer.choices[0].message.content == plain[name].text(ids)
                assert answer.usage.completion_tokens == len(ids)
            assert text_of(streamed(client, "starter", messages)) == found["starter"].choices[0].message.content


@pytest.mark.parametrize("kind", ["lora", "prefix"])
def test_greedy_answers_are_those_of_the_compare_tab(home, kind):
    workspace, runs = home
    pair = Pair.load(runs[kind], workspace)
    with serving(Models.load(runs[kind], workspace), workspace) as live, live.client() as client:
        for messages in (HELLO, TALK[:2]):
            *_, reply = pair.reply(messages, messages, Sampling(greedy=True, max_tokens=COUNT))
            found = [ask(client, name, messages).choices[0].message.content for name in ("tiny", runs[kind].id)]
            assert found == [reply.base, reply.tuned]


def test_sampled_answers_are_those_of_the_compare_tab(home, client):
    workspace, runs = home
    pair = Pair.load(runs["lora"], workspace)
    *_, reply = pair.reply(HELLO, HELLO, Sampling(seed=11, temperature=0.8, top_p=0.9, max_tokens=COUNT))
    settings = {"seed": 11, "temperature": 0.8, "top_p": 0.9}
    assert ask(client, runs["lora"].id, **settings).choices[0].message.content == reply.tuned
    assert ask(client, "tiny", **settings).choices[0].message.content == reply.base


def test_both_models_are_listed_and_shown(home, client):
    name = home[1]["lora"].id
    listed = client.models.list().data
    assert [(each.id, each.object) for each in listed] == [(name, "model"), ("tiny", "model")]
    assert client.models.retrieve(name) == listed[0] and listed[0].parent == "tiny"
    assert listed[0].max_model_len == 512
    with pytest.raises(openai.NotFoundError, match=r"There is no model 'gpt' here, only 001-lora and tiny\."):
        client.models.retrieve("gpt")


def test_a_stream_begins_with_the_role_and_ends_with_the_reason_and_the_counts(home, client):
    name, messages, _ = a_long_one(client, home)
    chunks = streamed(client, name, messages, stream_options={"include_usage": True})
    *body, last, counts = chunks
    assert body[0].choices[0].delta.role == "assistant" and all(each.choices[0].finish_reason is None for each in body)
    assert last.choices[0].finish_reason == "length" and not last.choices[0].delta.content
    assert counts.choices == [] and counts.usage == ask(client, name, messages).usage
    assert len({each.id for each in chunks}) == 1 and {each.object for each in chunks} == {"chat.completion.chunk"}
    assert not any(each.usage for each in streamed(client, name, messages))


def test_a_stream_is_server_sent_events_until_done(live, home):
    given = {"model": home[1]["lora"].id, "messages": HELLO, "stream": True, "max_tokens": 3, "seed": 1}
    answer = httpx.post(f"{live.url}/chat/completions", json=given)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = answer.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""] and all(each.startswith("data: ") for each in events[:-1])
    assert all(json.loads(each.removeprefix("data: "))["choices"] for each in events[:-2])


def test_a_text_is_continued(home, client, tiny_model):
    plain = Plain(tiny_model, dtype=dtype_of(home[1]["lora"].recipe))
    prompt = plain.tokenizer("Once upon")["input_ids"]
    ids = plain.ids(prompt, COUNT)
    given = {"model": "tiny", "prompt": "Once upon", "temperature": 0, "max_tokens": COUNT}
    answer = client.completions.create(**given)
    assert answer.choices[0].text == plain.text(ids) and answer.usage.prompt_tokens == len(prompt)
    chunks = list(client.completions.create(**given, stream=True, stream_options={"include_usage": True}))
    assert "".join(each.choices[0].text for each in chunks[:-1]) == answer.choices[0].text
    assert chunks[-2].choices[0].finish_reason == "length" and chunks[-1].usage == answer.usage


def test_an_answer_ends_before_a_stop_text_and_nothing_of_it_is_streamed(home, client):
    name, messages, whole = a_long_one(client, home)
    stop = whole[6:9]
    before = whole[: whole.index(stop)]
    for given in (stop, ["never there", stop]):
        answer = ask(client, name, messages, stop=given)
        assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (before, "stop")
        chunks = streamed(client, name, messages, stop=given)
        assert text_of(chunks) == before and chunks[-1].choices[0].finish_reason == "stop"


def test_equal_seeds_give_equal_answers_and_others_do_not(home, client):
    name = home[1]["lora"].id

    def sampled(**options):
        return ask(client, name, temperature=1, **options).choices[0].message.content

    assert sampled(seed=5) == sampled(seed=5) != sampled(seed=6)
    assert len({sampled() for _ in range(4)}) > 1


def test_what_is_refused_has_the_shape_of_openais_errors(home, client):
    name = home[1]["lora"].id
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, name, presence_penalty=0.5)
    assert refused.value.param == "presence_penalty" and refused.value.code == "unsupported_value"
    assert refused.value.type == "invalid_request_error"
    assert refused.value.body["message"] == (
        "presence_penalty: this value is not supported. Leave it out, or set it to 0."
    )
    assert ask(client, name, presence_penalty=0, user="ada", metadata={"a": "b"}).choices
    with pytest.raises(openai.NotFoundError, match="There is no model 'gpt-4o' here"):
        ask(client, "gpt-4o")
    with pytest.raises(openai.BadRequestError, match="maximum context length is 512 tokens, and the prompt") as long:
        ask(client, name, [{"role": "user", "content": "word " * 200}])
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.NotFoundError, match="There is no /v1/embeddings here"):
        client.embeddings.create(model=name, input="x")
    with pytest.raises(openai.BadRequestError, match="stream_options"):
        ask(client, name, stream_options={"include_usage": True})


def test_an_answer_fills_the_context_and_no_more(home, client):
    long = [{"role": "user", "content": "x" * 470}]
    answer = ask(client, home[1]["lora"].id, long, max_tokens=4000)
    assert answer.usage.total_tokens <= 512
    assert answer.choices[0].finish_reason == ("length" if answer.usage.total_tokens == 512 else "stop")


def test_the_runs_system_prompt_is_asked_with_unless_the_request_brings_one(home, tiny_model):
    workspace, runs = home
    recipe = runs["lora"].recipe.changed(**{"data.system": "Be kind."})
    run = workspace.create(recipe)
    save_tuned(recipe.adapter, tiny_model, run.model_dir, 1)
    with serving(Models.load(run, workspace), workspace) as live, live.client() as client:
        alone, kind, brief = (
            ask(client, run.id, [*first, *HELLO]).usage.prompt_tokens
            for first in ([{"role": "system", "content": ""}], [], [{"role": "developer", "content": "Be brief."}])
        )
    plain = Plain(tiny_model)
    lengths = [
        len(plain.prompt([*({"role": "system", "content": text} for text in given), *HELLO]))
        for given in ([], ["Be kind."], ["Be brief."])
    ]
    assert [alone, kind, brief] == lengths


def test_several_at_once_are_answered_as_each_alone(home, live):
    name = home[1]["lora"].id

    def asked(model, question):
        with live.client() as client:
            return ask(client, model, [{"role": "user", "content": question}]).choices[0].message.content

    wanted = [(model, question) for model in (name, "tiny") for question in ("Hi", "12+7", "sea")]
    alone = [asked(*each) for each in wanted]
    assert at_once([lambda each=each: asked(*each) for each in wanted]) == alone


def slowly(live, monkeypatch, step_s=0.05):
    """Each token takes a while; returns the counts of steps so far."""
    steps = []
    for model in live.engine.models:
        decoding = model.voice.decoding
        step = decoding.step

        def slow(*given, step=step):
            steps.append(1)
            time.sleep(step_s)
            return step(*given)

        monkeypatch.setattr(decoding, "step", slow)
    return steps


def until(condition) -> None:
    """Wait until ``condition`` holds; fail if it never does."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < 30
        time.sleep(0.02)


def settles(steps) -> bool:
    """True once no further step is taken."""
    for _ in range(100):
        before = len(steps)
        time.sleep(0.3)
        if len(steps) == before:
            return True
    return False


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_ends_its_answer(home, live, monkeypatch, stream):
    steps = slowly(live, monkeypatch)
    given = {"model": home[1]["lora"].id, "messages": HELLO, "stream": stream, "max_tokens": 400, "seed": 3}
    with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=1) as client:
        with client.stream("POST", f"{live.url}/chat/completions", json=given) as answer:
            if stream:
                next(answer.iter_lines())
                raise httpx.ReadTimeout("enough")
    assert settles(steps) and len(steps) < 100
    assert not live.engine.is_computing


def test_who_waits_longer_than_a_queue_is_told_to_come_again_and_the_others_are_served_in_order(
    home, models, monkeypatch
):
    with serving(models, home[0], waiting=1) as live:
        slowly(live, monkeypatch, 0.05)
        done, turns = [], live.engine.turns

        def asked(n):
            with live.client() as client:
                ask(client, "tiny", max_tokens=30)
                done.append(n)

        threads = [threading.Thread(target=asked, args=(n,)) for n in range(2)]
        for n, each in enumerate(threads, 1):
            each.start()
            until(lambda n=n: turns._inside == n)
        with live.client() as client, pytest.raises(openai.InternalServerError, match="1 requests? .* waiting") as full:
            ask(client, "tiny")
        assert full.value.status_code == 503 and full.value.response.headers["retry-after"] == "5"
        for each in threads:
            each.join(30)
        assert done == [0, 1]
        with live.client() as client:
            assert ask(client, "tiny").choices


def test_who_waits_and_leaves_is_not_answered(home, live, monkeypatch):
    steps = slowly(live, monkeypatch, 0.03)
    first = threading.Thread(target=lambda: ask(live.client(), "tiny", max_tokens=40))
    first.start()
    until(lambda: live.engine.is_computing)
    with pytest.raises(httpx.ReadTimeout):
        given = {"model": "tiny", "messages": HELLO, "max_tokens": 400, "temperature": 0}
        httpx.post(f"{live.url}/chat/completions", json=given, timeout=0.3)
    first.join(30)
    assert settles(steps) and len(steps) < 45


def test_an_end_of_the_server_is_told_to_those_who_wait(home, models, monkeypatch):
    with serving(models, home[0]) as live:
        slowly(live, monkeypatch)
        told = {}

        def asked(stream):
            try:
                with live.client() as client:
                    answer = ask(client, "tiny", max_tokens=400, stream=stream)
                    told[stream] = list(answer) if stream else answer
            except openai.APIError as error:
                told[stream] = str(error)

        threads = [threading.Thread(target=asked, args=(stream,)) for stream in (True, False)]
        for n, each in enumerate(threads, 1):
            each.start()
            until(lambda n=n: live.engine.turns._inside == n)
        until(lambda: live.engine.is_computing)
        live.api.end()
        for each in threads:
            each.join(20)
    assert set(told) == {True, False} and all("This server is ending" in words for words in told.values())


def test_a_device_that_fails_is_told_in_words_and_the_next_answer_comes(home, live, monkeypatch):
    voice = live.engine.models.get("tiny").voice
    with monkeypatch.context() as patch, live.client() as client:

        def fail(*_):
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

        patch.setattr(voice.decoding, "prefill", fail)
        with pytest.raises(openai.InternalServerError, match="The machine ran out of memory. Stop what else uses"):
            ask(client, "tiny")
        patch.setattr(voice.decoding, "step", fail)
    with monkeypatch.context() as patch, live.client() as client:
        patch.setattr(voice.decoding, "step", fail)
        with pytest.raises(openai.APIError, match="ran out of memory"):
            streamed(client, "tiny")
    with live.client() as client:
        assert ask(client, "tiny").choices and not live.engine.context_lost.is_set()


def test_a_bug_tells_nothing_of_itself_to_the_client(home, live, monkeypatch):
    def fail(*_):
        raise ValueError("a secret of the house")

    monkeypatch.setattr(live.engine.models.get("tiny").voice.decoding, "prefill", fail)
    with live.client() as client, pytest.raises(openai.InternalServerError) as failed:
        ask(client, "tiny")
    assert failed.value.status_code == 500 and "secret" not in str(failed.value) and failed.value.type == "server_error"


def test_health_says_that_it_runs(live):
    with urllib.request.urlopen(live.url.replace("/v1", "/health"), timeout=20) as answer:
        assert json.load(answer) == {"status": "ok"}
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_another_method_is_refused_in_the_same_shape(live):
    answer = httpx.get(f"{live.url}/chat/completions")
    assert answer.status_code == 405 and answer.json()["error"]["code"] == "wrong_method"
    assert answer.json()["error"]["message"] == "/v1/chat/completions does not take GET."


@pytest.mark.threat("S17")
def test_who_sends_no_whole_head_or_half_a_body_and_leaves_takes_nothing(home, models):
    with serving(models, home[0], budget=replace(Budget.local(), head_s=0.5)) as live:
        began = time.monotonic()
        with connection(live.port) as silent:
            silent.sendall(b"POST /v1/chat/completions HTTP/1.1\r\n")
            assert rest(silent) == b"" and time.monotonic() - began < 15
        with connection(live.port) as half:
            half.sendall(head(live.port, "POST /v1/chat/completions HTTP/1.1", "Content-Length: 100") + b"{")
        with live.client() as client:
            assert ask(client, "tiny").choices
        assert live.api._arriving == 0


def test_a_body_that_is_too_large_or_too_slow_is_refused(home, models):
    budget = replace(Budget.local(), body_bytes=2**20, body_s=1.0)
    with serving(models, home[0], budget=budget) as live:
        large = httpx.post(f"{live.url}/chat/completions", content=b" " * (2**20 + 1))
        assert large.status_code == 413 and large.json()["error"]["message"] == "This request is larger than 1 MB."

        def endless():
            for _ in range(64):
                yield b" " * 2**15

        chunked = httpx.post(f"{live.url}/chat/completions", content=endless())
        assert chunked.status_code == 413 and "larger than 1 MB" in chunked.json()["error"]["message"]

        def slow():
            for _ in range(6):
                yield b"{"
                time.sleep(0.4)

        late = httpx.post(f"{live.url}/chat/completions", content=slow())
        assert late.status_code == 408 and "too slowly" in late.json()["error"]["message"]
