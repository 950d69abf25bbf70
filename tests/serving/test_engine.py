import asyncio

import pytest

from finetune.inference.sampling import Sampling
from finetune.serving import engine as engines
from finetune.serving.engine import Engine
from finetune.serving.parameters import Wanted
from finetune.serving.refused import Refused

ASKED = Wanted("tiny", Sampling(greedy=True), ({"role": "user", "content": "Hi"},), most=3)


@pytest.fixture
def engine(models, home):
    return Engine(models, home[0], 2)


async def whole(engine, asked=ASKED):
    async with engine.answer(asked) as (count, found):
        return count, [piece async for piece in found]


def test_an_answer_comes_with_the_tokens_of_its_prompt(engine, models):
    count, given = asyncio.run(whole(engine))
    assert count == len(models.prompt(ASKED)) and given[-1].tokens == 3 and given[-1].finish == "length"
    assert not engine.is_computing


def test_a_lost_device_is_noted_and_told(engine, models, monkeypatch):
    def fail(*_):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(models.get("tiny").voice.decoding, "prefill", fail)
    with pytest.raises(Refused, match="The GPU stopped working") as refused:
        asyncio.run(whole(engine))
    assert engine.context_lost.is_set() and refused.value.status == 503 and not engine.is_computing


def test_beside_a_training_answers_share_the_machine_as_on_the_compare_tab(engine, monkeypatch):
    looked, turns = [], []
    monkeypatch.setattr(engines, "holder_of", lambda workspace: looked.append(workspace) or "a run")
    begin = engine._sharing._begin
    monkeypatch.setattr(engine._sharing, "_begin", lambda: turns.append(begin()) or turns[-1])
    for _ in range(3):
        asyncio.run(whole(engine))
    assert turns == [True] * 3, "each answer took its time from what a training leaves"
    assert len(looked) == 1, "the runs are not read for each answer"


def test_a_model_that_is_not_here_takes_no_place(engine):
    with pytest.raises(Refused) as refused:
        asyncio.run(whole(engine, Wanted("gpt", Sampling())))
    assert refused.value.status == 404
