from finetune.ui.cache import Cache


def test_a_cache_computes_a_value_once_and_drops_the_oldest():
    made, cache = [], Cache(2)
    for key in ("a", "a", "b", "c", "a"):
        cache.get(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "a"]


def test_a_value_that_is_too_old_is_computed_again(monkeypatch):
    cache, now = Cache(2, lasts_s=3), 100.0
    monkeypatch.setattr("finetune.ui.cache.time.monotonic", lambda: now)
    assert cache.get("a", lambda: 1) == cache.get("a", lambda: 2) == 1
    now = 103.1
    assert cache.get("a", lambda: 3) == 3
    cache.clear()
    assert cache.get("a", lambda: 4) == 4
