import threading

import pytest

from finetune.data import ahead as module
from finetune.data.ahead import ahead


def test_work_is_done_ahead_and_comes_in_order():
    asked = []

    def given():
        for number in range(50):
            asked.append(number)
            yield number

    done = ahead(lambda number: number * number, given())
    assert next(done) == 0 and 1 < len(asked) < 50
    assert list(done) == [number * number for number in range(1, 50)]
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda number: 1 / number, [1, 0]))


def test_no_more_threads_work_than_there_are_cores_to_use(monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: 1)
    assert len(set(ahead(lambda number: threading.get_ident(), range(20)))) == 1


@pytest.mark.parametrize("end", ["closed", "fault in the work", "fault in what is given"])
def test_unneeded_work_does_not_start_and_no_thread_is_left(monkeypatch, end):
    monkeypatch.setattr(module, "cores", lambda: 1)
    begun, go_on = [], threading.Event()
    threading.Timer(0.2, go_on.set).start()

    def work(number):
        begun.append(number)
        if number == 0:
            return 1 / (end != "fault in the work")
        assert go_on.wait(10)

    def given():
        yield from range(3)
        if end == "fault in what is given":
            raise ZeroDivisionError
        yield from range(3, 9)

    if end == "closed":
        done = ahead(work, given())
        next(done)
        done.close()
    else:
        with pytest.raises(ZeroDivisionError):
            list(ahead(work, given()))
    assert begun in ([0], [0, 1]) and not any(thread.name.startswith("ahead") for thread in threading.enumerate())
