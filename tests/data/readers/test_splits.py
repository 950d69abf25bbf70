from finetune.data.readers.splits import split_named


def test_a_split_is_known_by_its_usual_names():
    assert [split_named(name) for name in ("Train", "dev", " test ", "trainer", "")] == [
        "train",
        "validation",
        "test",
        None,
        None,
    ]
