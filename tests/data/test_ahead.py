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
