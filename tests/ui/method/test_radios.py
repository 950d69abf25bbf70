from finetune.ui.method import radios
from finetune.ui.method.presets import presets

ALL = presets()


def named(name):
    return next(preset for preset in ALL if preset.name == name)


def test_without_data_every_preset_can_be_chosen():
    html = radios.group(ALL, "", "lora")
    assert "disabled" not in html and html.count("type='radio'") == len(ALL)
    assert "value='lora' checked" in html


def test_a_preset_that_the_data_cannot_serve_says_why_and_cannot_be_chosen():
    html = radios.group(ALL, "chat", "lora")
    assert "value='dpo' disabled" in html and "Needs pairs of answers; your data is conversations." in html
    html = radios.group(ALL, "preference", "dpo")
    assert (
        html.count("disabled") == len(ALL) - 1
        and "Needs conversations or texts; your data is pairs of answers." in html
    )


def test_a_preset_stands_for_its_method_and_adapter():
    for preset in ALL:
        assert radios.matching(ALL, preset.method["type"], preset.adapter["type"]) == preset.name
    assert radios.matching(ALL, "dpo", "qlora") == ""
    assert "Your own combination" in radios.group(ALL, "preference", "")


def test_the_suited_preset_is_the_chosen_one_if_it_can_be_and_else_lora():
    assert radios.suited(ALL, "chat", "sft") == named("sft")
    assert radios.suited(ALL, "chat", "dpo") == named("lora")
    assert radios.suited(ALL, "preference", "qlora") == named("dpo")
