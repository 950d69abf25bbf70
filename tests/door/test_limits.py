import asyncio
import json
from dataclasses import replace

import pytest

from finetune.door.budget import Budget
from finetune.door.limits import Limits, kind_of
from finetune.door.visitor import Visitor

BUDGET = replace(
    Budget.shared(),
    requests_at_once=50,
    requests_per_s=1,
    pages_at_once=5,
    pages_per_min=1,
    streams_each=3,
    streams=5,
    at_work_each=2,
    at_work=4,
    joins_each=3,
    waits_s=0.3,
    delay_s=0.05,
    bodies_bytes=1000,
    body_bytes=800,
)


class App:
    """Works on each request until it may go on; counts how many it works on."""

    def __init__(self):
        self.goes_on, self.at_work, self.most, self.bodies = asyncio.Event(), 0, 0, []
        self.goes_on.set()

    async def __call__(self, scope, receive, send):
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        try:
            self.bodies.append((await receive()).get("body", b""))
            await self.goes_on.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ok", "more_body": False})
        finally:
            self.at_work -= 1


async def ask(limits, path="/gradio_api/run/tick", who="anna", method="POST", body=b"{}") -> tuple[int, str]:
    """The status and the text of an answer."""
    headers = [(b"content-length", str(len(body)).encode())] if method == "POST" else []
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "client": ("1.2.3.4", 5)}
    scope["state"] = {"visitor": Visitor(who)} if who else {}
    sent, left = [], [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return left.pop() if left else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await limits(scope, receive, send)
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]).decode()


def run(test, **options):
    async def inside():
        app = App()
        return await test(app, Limits(app, BUDGET, **options))

    return asyncio.run(inside())


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("POST /gradio_api/upload", "upload"),
        ("GET /gradio_api/upload", "other"),
        ("POST /gradio_api/queue/join", "join"),
        ("POST /gradio_api/call/v2/start", "join"),
        ("GET /gradio_api/call/start/1", "stream"),
        ("GET /gradio_api/queue/data", "stream"),
        ("GET /gradio_api/heartbeat/abc", "stream"),
        ("GET /download/a/b", "stream"),
        ("GET /", "page"),
        ("GET /vote/", "page"),
        ("GET /config", "page"),
        ("GET /assets/a.js", "other"),
        ("POST /gradio_api/run/tick", "other"),
    ],
)
def test_each_request_is_of_a_kind(line, kind):
    method, path = line.split()
    assert kind_of({"method": method, "path": path}) == kind


def test_a_request_reaches_the_app_with_its_body():
    async def test(app, limits):
        assert await ask(limits, body=b"abc") == (200, "ok") and app.bodies == [b"abc"]
        assert (await ask(limits, "/", method="GET"))[0] == 200

    run(test)


@pytest.mark.threat("T41", "S6")
def test_one_who_asks_too_often_is_told_so_and_others_are_not():
    async def test(app, limits):
        found = [await ask(limits) for _ in range(60)]
        statuses = [status for status, _ in found]
        assert statuses[:50] == [200] * 50 and set(statuses[53:]) == {429}
        assert json.loads(found[-1][1])["detail"] == "Too many requests from your address. Wait a little."
        assert (await ask(limits, who="ben"))[0] == 200
        pages = [(await ask(limits, "/", "carl", "GET"))[0] for _ in range(8)]
        assert pages == [200] * 5 + [429] * 3
        assert (await ask(limits, who="carl"))[0] == 200

    run(test)


def test_asking_again_at_once_takes_time():
    async def test(app, limits):
        for _ in range(50):
            await ask(limits)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*[ask(limits) for _ in range(20)])
        took = asyncio.get_running_loop().time() - began
        assert BUDGET.delay_s <= took < 20 * BUDGET.delay_s, "the delays of several do not add up"

    run(test)


@pytest.mark.threat("T41", "S17")
def test_streams_are_limited_for_each_and_for_all():
    async def test(app, limits):
        app.goes_on.clear()
        path = "/gradio_api/queue/data"
        open_ = [asyncio.create_task(ask(limits, path, who, "GET")) for who in ("anna",) * 3 + ("ben",) * 2]
        await asyncio.sleep(0.05)
        assert (await ask(limits, path, "anna", "GET"))[0] == 429
        assert (await ask(limits, path, "carl", "GET"))[0] == 503
        app.goes_on.set()
        assert [status for status, _ in await asyncio.gather(*open_)] == [200] * 5
        assert (await ask(limits, path, "anna", "GET"))[0] == 200

    run(test)


@pytest.mark.threat("T41")
def test_requests_wait_for_their_turn_and_not_for_ever():
    async def test(app, limits):
        app.goes_on.clear()
        asked = [asyncio.create_task(ask(limits, who="anna")) for _ in range(6)]
        await asyncio.sleep(0.05)
        assert app.at_work == BUDGET.at_work_each
        other = asyncio.create_task(ask(limits, who="ben"))
        await asyncio.sleep(0.05)
        assert app.at_work == BUDGET.at_work_each + 1, "another visitor does not wait behind them"
        await asyncio.sleep(BUDGET.waits_s)
        app.goes_on.set()
        assert sorted(status for status, _ in await asyncio.gather(*asked)) == [200] * 2 + [503] * 4
        assert (await other)[0] == 200
        await asyncio.gather(*[ask(limits, who=f"{n}") for n in range(30)])
        assert app.most <= BUDGET.at_work

    run(test)


@pytest.mark.threat("T41")
def test_one_visitor_has_so_many_tasks_in_the_queue():
    async def test(app, limits):
        statuses = {who: (await ask(limits, "/gradio_api/queue/join", who))[0] for who in ("full", "almost")}
        assert statuses == {"full": 429, "almost": 200}

    run(test, joined=lambda who: ({"full": 3, "almost": 2}[who], 5))


@pytest.mark.threat("T41")
def test_tasks_that_come_at_a_time_are_counted_before_they_are_in_the_queue():
    async def test(app, limits):
        app.goes_on.clear()
        asked = [asyncio.create_task(ask(limits, "/gradio_api/queue/join")) for _ in range(6)]
        await asyncio.sleep(0.05)
        app.goes_on.set()
        assert [status for status, _ in await asyncio.gather(*asked)].count(429) == 3

    run(test)


@pytest.mark.threat("T8")
def test_bodies_are_small_each_and_together():
    async def test(app, limits):
        assert (await ask(limits, body=b"x" * 801))[0] == 413
        app.goes_on.clear()
        first = asyncio.create_task(ask(limits, body=b"x" * 700))
        await asyncio.sleep(0.05)
        assert (await ask(limits, who="ben", body=b"x" * 700))[0] == 503
        app.goes_on.set()
        assert (await first)[0] == 200 and (await ask(limits, who="ben", body=b"x" * 700))[0] == 200
        assert limits.now.total() == 0

    run(test)


def test_without_a_visitor_the_address_counts():
    async def test(app, limits):
        for _ in range(50):
            await ask(limits, who=None)
        assert (await ask(limits, who="1.2.3.4"))[0] == 429

    run(test)


def test_an_error_of_the_app_frees_what_it_held():
    async def broken(scope, receive, send):
        raise ValueError

    async def test(app, limits):
        limits = Limits(broken, BUDGET)
        for path in ("/gradio_api/run/tick", "/gradio_api/queue/join"):
            for _ in range(10):
                with pytest.raises(ValueError):
                    await ask(limits, path, body=b"")
        assert limits.now.total() == 0 and limits.visitors.seen("anna").now.total() == 0

    run(test)
