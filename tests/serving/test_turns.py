import asyncio
import threading
import time

import pytest

from finetune.serving.answer import Piece
from finetune.serving.refused import Refused
from finetune.serving.turns import RETRY_S, Turns, computed


def test_turns_are_taken_in_order_one_at_a_time():
    async def all_of_them():
        turns, order = Turns(10), []

        async def take(n):
            async with turns.place(), turns.turn():
                order.append(("begins", n))
                await asyncio.sleep(0.01)
                order.append(("ends", n))

        await asyncio.gather(*(take(n) for n in range(4)))
        return order

    assert asyncio.run(all_of_them()) == [(what, n) for n in range(4) for what in ("begins", "ends")]


@pytest.mark.parametrize("most", [0, 2])
def test_only_so_many_wait_and_then_there_is_room_again(most):
    async def crowd():
        turns, leave = Turns(most), asyncio.Event()

        async def take():
            async with turns.place(), turns.turn():
                await leave.wait()

        tasks = [asyncio.create_task(take()) for _ in range(most + 1)]
        await asyncio.sleep(0.01)
        with pytest.raises(Refused) as refused:
            await take()
        leave.set()
        await asyncio.gather(*tasks)
        async with turns.place():
            return refused.value

    refused = asyncio.run(crowd())
    assert (refused.status, refused.retry_s, refused.code) == (503, RETRY_S, "queue_full")


def test_who_leaves_while_waiting_gives_the_place_back():
    async def leave():
        turns = Turns(1)
        async with turns.place(), turns.turn():

            async def take():
                async with turns.place(), turns.turn():
                    pass

            for _ in range(3):
                waiting = asyncio.create_task(take())
                await asyncio.sleep(0.01)
                waiting.cancel()
                await asyncio.wait({waiting})
        async with turns.place(), turns.turn():
            return True

    assert asyncio.run(leave())


def test_what_is_computed_in_a_thread_arrives_in_order():
    def work(stop):
        assert threading.current_thread() is not threading.main_thread()
        for n in range(50):
            yield Piece(str(n), n)

    async def collected():
        return [piece.tokens async for piece in computed(work)]

    assert asyncio.run(collected()) == list(range(50))


def test_an_error_in_the_thread_is_raised_here():
    def work(stop):
        yield Piece("a", 1)
        raise ValueError("no")

    async def collected():
        found = []
        with pytest.raises(ValueError, match="no"):
            async for piece in computed(work):
                found.append(piece.text)
        return found

    assert asyncio.run(collected()) == ["a"]


@pytest.mark.parametrize("after", [0, 1])
def test_leaving_ends_the_thread_and_waits_for_it(after):
    ended = []

    def work(stop):
        if after:
            yield Piece("a", 1)
        while not stop.is_set():
            time.sleep(0.005)
        time.sleep(0.1)
        ended.append(True)
        yield Piece("b", 2)

    async def left():
        async def read():
            async for _ in computed(work):
                pass

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.wait({reading})
        return bool(ended)

    assert asyncio.run(left())
