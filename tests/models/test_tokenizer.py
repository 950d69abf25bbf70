import json

from finetune.models.tokenizer import load_tokenizer
from finetune.recipe import ModelSettings


def test_a_tokenizer_without_a_padding_token_pads_with_its_end_token(broken, with_tiny):
    path = broken / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config["pad_token"] = None
    path.write_text(json.dumps(config))
    tokenizer = load_tokenizer(ModelSettings(id="broken"), with_tiny)
    assert tokenizer.pad_token == tokenizer.eos_token == "<|im_end|>"
