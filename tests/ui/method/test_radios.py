from finetune.ui.method import cards
from finetune.ui.method.presets import presets

ALL = presets()


def named(name):
    return next(preset for preset in ALL if preset.name == name)


def test_without_data_every_card_can_be_chosen():
    html = cards.cards(ALL, "", "lora")
    assert "disabled" not in html and html.count("type='radio'") == len(ALL)
    assert "value='lora' checked" in html


def test_a_card_that_the_data_cannot_serve_says_why_and_cannot_be_chosen():
    html = cards.cards(ALL, "chat", "lora")
    assert "value='dpo' disabled" in html and "Needs pairs of answers; your data is conversations." in html
    html = cards.cards(ALL, "preference", "dpo")
    assert html.count("disabled") == 3 and "Needs conversations or texts; your data is pairs of answers." in html


def test_a_card_stands_for_its_method_and_adapter():
    for preset in ALL:
        assert cards.matching(ALL, preset.method["type"], preset.adapter["type"]) == preset.name
    assert cards.matching(ALL, "dpo", "qlora") == ""
    assert "combination of your own" in cards.cards(ALL, "preference", "")


def test_the_suited_card_is_the_chosen_one_if_it_can_be_and_else_a_small_add_on():
    assert cards.suited(ALL, "chat", "sft") == named("sft")
    assert cards.suited(ALL, "chat", "dpo") == named("lora")
    assert cards.suited(ALL, "preference", "qlora") == named("dpo")
