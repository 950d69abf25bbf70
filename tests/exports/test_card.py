from finetune.exports.card import card


def test_the_model_card_describes_the_model_and_how_to_load_it(finished):
    text = card(finished)
    for part in (
        "# pirate voice",
        "starter model",
        "`pirate.jsonl`, 300 rows",
        "Trained on: ",
        "Trainable parameters: ",
        "Held-out loss: 1.250",
        "PeftModel.from_pretrained",
        "Licence",
    ):
        assert part in text
    assert "uploads/" not in text
