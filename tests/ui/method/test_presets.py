from finetune.ui.method.presets import presets


def test_the_presets_in_their_order():
    assert [preset.name for preset in presets()] == ["sft", "lora", "qlora", "dpo"]


def test_each_preset_stands_for_a_method_and_an_adapter():
    pairs = {preset.name: tuple(part.type for part in preset.parts()) for preset in presets()}
    assert pairs == {
        "sft": ("sft", "full"),
        "lora": ("sft", "lora"),
        "qlora": ("sft", "qlora"),
        "dpo": ("dpo", "lora"),
    }


def test_each_preset_speaks_to_both_readers():
    assert all(preset.plain.endswith(".") and preset.engineer.endswith(".") for preset in presets())
