from finetune.ui.cache import Cache


def test_a_cache_makes_a_value_once_and_forgets_the_oldest():
    made, cache = [], Cache(2)
    for key in ("a", "a", "b", "c", "a"):
        cache.get(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "a"]
