import asyncio

import pytest

from finetune.door.parts import none_left, note


def test_what_is_left_is_deleted_and_what_was_moved_is_not(tmp_path):
    left, moved = tmp_path / "left", tmp_path / "moved"
    with none_left():
        for each in (left, moved):
            each.write_text("a part")
            note(str(each))
        moved.rename(tmp_path / "kept")
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_an_error_and_a_cancelled_request_leave_nothing(tmp_path):
    with pytest.raises(ValueError), none_left():
        note(str(tmp_path / "a"))
        (tmp_path / "a").touch()
        raise ValueError

    async def upload():
        with none_left():
            (tmp_path / "b").touch()
            await asyncio.to_thread(note, str(tmp_path / "b"))
            await asyncio.sleep(60)

    async def cancelled():
        task = asyncio.create_task(upload())
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(cancelled())
    assert list(tmp_path.iterdir()) == []


def test_requests_at_a_time_delete_their_own(tmp_path):
    async def request(name, lasts_s):
        with none_left():
            (tmp_path / name).touch()
            note(str(tmp_path / name))
            await asyncio.sleep(lasts_s)

    async def both():
        long = asyncio.create_task(request("long", 0.5))
        await request("short", 0.1)
        assert [each.name for each in tmp_path.iterdir()] == ["long"]
        await long

    asyncio.run(both())
    assert list(tmp_path.iterdir()) == []


def test_outside_of_a_request_nothing_is_deleted(tmp_path):
    (tmp_path / "a").touch()
    note(str(tmp_path / "a"))
    assert (tmp_path / "a").exists()
