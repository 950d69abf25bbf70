import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from finetune.data import known
from finetune.data.loading import read
from finetune.data.settings import DataSettings
from finetune.errors import FinetuneError
from finetune.recipe import Recipe
from finetune.runs.events import Ended
from finetune.runs.run import Follower
from finetune.ui.data.counting import Counting
from finetune.ui.data.samples import GENERAL
from finetune.ui.studio import DOUBLE_CLICK_S

PIRATE = DataSettings(path="assets/samples/pirate-voice.jsonl")


@pytest.fixture
def idle(studio, monkeypatch):
    """The studio with a queue that makes runs and never works on them."""
    monkeypatch.setattr(studio.queue, "submit", studio.workspace.create)
    return studio


def recipe(**settings):
    return Recipe.from_dict({"model": {"id": "tiny"}, "data": PIRATE.model_dump(), **settings})


def test_a_double_click_makes_one_run_and_another_recipe_a_second(idle):
    first = idle.start(recipe())
    assert idle.start(recipe()).id == first.id
    assert idle.start(recipe(name="another")).id != first.id
    assert len(idle.workspace.runs()) == 2


def test_two_clicks_at_the_same_moment_make_one_run(idle):
    with ThreadPoolExecutor(25) as pool:
        started = list(pool.map(lambda _: idle.start(recipe()).id, range(25)))
    assert [run.id for run in idle.workspace.runs()] == sorted(set(started)) == started[:1]


def test_two_people_at_once_get_a_run_each(idle):
    with ThreadPoolExecutor(25) as pool:
        started = list(pool.map(lambda n: idle.start(recipe(name=f"of {n % 2}")).id, range(26)))
    assert len(set(started)) == len(idle.workspace.runs()) == 2


def test_the_same_recipe_can_be_started_again_on_purpose(idle, monkeypatch):
    first, now = idle.start(recipe()), time.monotonic()
    monkeypatch.setattr("finetune.ui.cache.time.monotonic", lambda: now + DOUBLE_CLICK_S + 1)
    assert idle.start(recipe()).id != first.id


def test_what_was_deleted_is_forgotten(idle, monkeypatch):
    forgotten = []
    monkeypatch.setattr(idle.pairs, "forget", forgotten.append)
    first = idle.start(recipe())
    first.emit(Ended(state="stopped"))
    idle.queue.delete(first.id)
    idle.forget(first)
    second = idle.start(recipe())
    assert second.number == 2 and idle.workspace.runs()[0].id == second.id
    assert forgotten == [first.id] and idle.panel.pairs is idle.pairs


def test_the_recipe_of_a_run_is_read_once(studio, write_run):
    run = write_run(model={"run": "7"})
    assert studio.recipe(run).model.run == "7" and studio.recipe(run) is studio.recipe(run)


@pytest.mark.parametrize(
    "where",
    [
        lambda secret: {"path": secret},
        lambda secret: {"also": [secret]},
        lambda secret: {"held_out": secret},
        lambda secret: {"replay": secret},
        lambda secret: {"mix": [{"path": secret}]},
    ],
)
def test_a_recipe_from_the_page_reads_only_uploads_and_samples(studio, with_tiny, tmp_path, where):
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"text": "secret"}\n')
    with pytest.raises(FinetuneError, match="cannot be run") as raised:
        studio.start(recipe(data={**PIRATE.model_dump(), **where(str(secret))}))
    assert "There is no" in str(raised.value) and studio.workspace.runs() == []


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that the Start button had read."""
    names = []
    monkeypatch.setattr(known, "read", lambda path, *given: names.append(path.name) or read(path, *given))
    return names


def test_what_the_page_has_read_the_start_button_does_not_read_again(still, with_tiny, reads):
    settings = PIRATE.changed(mix=[{"path": "assets/samples/short-and-kind.jsonl"}], replay=GENERAL)
    assert still.data.checked(settings, Counting.of("tiny", 512)).mixture.problem is not None
    settings = PIRATE.changed(mix=[{"path": "assets/samples/ticket-json.jsonl"}], replay=GENERAL)
    assert still.data.checked(settings, Counting.of("tiny", 512)).mixture.problem is None
    reads.clear()
    assert still.start(recipe(data=settings.model_dump(exclude_defaults=True))).view().state == "queued"
    assert reads == []


def test_a_file_that_was_changed_since_the_page_read_it_is_read_again_and_refused(still, with_tiny, reads, tmp_path):
    (tmp_path / "qa.jsonl").write_text('{"question": "Is it so?", "answer": "It is."}\n' * 12)
    settings = still.data.add_upload(tmp_path / "qa.jsonl", "qa.jsonl")
    file, by = still.workspace.find(settings.path, trusted=False), Counting.of("tiny", 512)
    first, before = still.data.checked(settings, by), file.stat()
    file.write_text(file.read_text().replace("answer", "madder"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(FinetuneError, match="questions but no answers"):
        still.start(recipe(data=settings.model_dump()))
    assert reads == [file.name] and still.workspace.runs() == []
    with pytest.raises(FinetuneError):
        still.data.checked(settings, by)
    file.write_text(file.read_text().replace("madder", "answer") * 2)
    assert still.data.checked(settings, by).dataset.total_rows == 2 * first.dataset.total_rows


def test_current_is_the_run_that_someone_holds(studio, write_run):
    write_run()
    assert studio.current() is None
    run = write_run(steps=3, state=None)
    with run.held():
        assert studio.current()[0].id == run.id


def test_a_view_is_brought_up_to_date(studio, write_run):
    run = write_run(steps=3, state="stopped")
    assert studio.view(run).state == "stopped" and studio.view(run).step == 3


def test_a_run_that_is_gone_is_none(studio):
    assert studio.find_run("099-gone") is None and studio.find_run(None) is None


def test_the_heavy_libraries_are_asked_for_once(studio, monkeypatch):
    calls = []
    monkeypatch.setattr(studio.queue, "warm", lambda: calls.append(1))
    studio.warm()
    studio.warm()
    assert calls == [1] and studio.machine == "Getting ready…"


def test_at_one_moment_runs_are_read_once(studio, write_run, monkeypatch):
    run, polled, poll = write_run(), [], Follower.poll
    monkeypatch.setattr(Follower, "poll", lambda self: polled.append(self.run.id) or poll(self))
    with studio.at_one_moment():
        assert studio.views() == studio.views() and studio.view(run) is studio.views()[0][1]
        assert studio.current() is None
    assert polled == [run.id]
    studio.view(run)
    assert polled == [run.id, run.id]
