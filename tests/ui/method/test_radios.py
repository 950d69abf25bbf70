from finetune.ui.method import radios
from finetune.ui.method.presets import presets

ALL = presets()


def test_without_data_every_preset_can_be_chosen():
    html = radios.group(ALL, "", "sft", "lora")
    assert "disabled" not in html and html.count("type='radio'") == len(ALL)
    assert "value='lora' checked" in html and "Chosen:" not in html


def test_a_preset_that_the_data_cannot_serve_says_why_and_cannot_be_chosen():
    html = radios.group(ALL, "chat", "sft", "lora")
    assert "value='dpo' disabled" in html and "Needs pairs of answers; your data is conversations." in html
    html = radios.group(ALL, "preference", "dpo", "lora")
    assert (
        html.count("disabled") == len(ALL) - 1
        and "Needs conversations or texts; your data is pairs of answers." in html
    )


def test_a_preset_stands_for_its_method_and_adapter():
    for preset in ALL:
        assert radios.matching(ALL, preset.method["type"], preset.adapter["type"]) == preset.name
    assert radios.matching(ALL, "dpo", "qlora") == ""


def test_a_pair_without_a_preset_is_named_below_them():
    html = radios.group(ALL, "rated", "kto", "lora")
    assert "Chosen: Kahneman-Tversky optimization (KTO) with LoRA, under “All methods”." in html
    assert html.count("disabled") == len(ALL)


def test_the_suited_pair_is_the_chosen_one_if_it_can_be_and_else_one_with_lora():
    assert radios.suited(ALL, "chat", "sft", "full") == ("sft", "full")
    assert radios.suited(ALL, "chat", "dpo", "lora") == ("sft", "lora")
    assert radios.suited(ALL, "preference", "sft", "qlora") == ("dpo", "lora")


def test_data_that_no_preset_serves_gets_the_method_that_does():
    assert radios.suited(ALL, "rated", "sft", "full") == ("kto", "lora")


def test_data_of_a_new_kind_gets_the_method_that_is_meant_for_it_and_then_keeps_what_was_chosen():
    assert radios.suited(ALL, "text", "sft", "lora", is_new=True) == ("cpt", "lora")
    assert radios.suited(ALL, "text", "sft", "full") == ("sft", "full")
    assert radios.suited(ALL, "chat", "grpo", "qlora", is_new=True) == ("sft", "lora")
    assert radios.suited(ALL, "chat", "sft", "full", is_new=True) == ("sft", "full")
