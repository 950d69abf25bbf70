from finetune.door import activity
from finetune.door.activity import Activities, Bucket
from finetune.door.budget import Budget


def test_a_bucket_gives_what_it_holds_and_then_what_flows_in(monkeypatch):
    now = 100.0
    monkeypatch.setattr(activity.time, "monotonic", lambda: now)
    bucket = Bucket(3, per_s=2)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    assert bucket.wait_s() == 0.5
    now += 0.5
    assert bucket.take() and not bucket.take()
    now += 1000
    assert bucket.level() == 3


def test_idle_visitors_are_forgotten_and_busy_ones_are_not(monkeypatch):
    monkeypatch.setattr(activity, "MOST", 10)
    found = Activities(Budget.local())
    found.seen("busy").now["stream"] += 1
    for n in range(100):
        found.seen(str(n))
    assert len(found) <= 11 and found.seen("busy").now["stream"] == 1


def test_what_is_taken_in_advance_has_to_be_waited_for(monkeypatch):
    now = 100.0
    monkeypatch.setattr(activity.time, "monotonic", lambda: now)
    bucket = Bucket(3, per_s=1)
    for _ in range(5):
        assert bucket.take(in_advance=True)
    assert bucket.wait_s() == 3 and not bucket.take()
    for _ in range(100):
        bucket.take(in_advance=True)
    assert bucket.wait_s() == 16, "who waits is not waited for all day"
