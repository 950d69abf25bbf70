import json

from finetune.adapters import ADAPTERS
from finetune.models.loading import load_base
from finetune.models.saving import save
from finetune.models.tokenizer import load_tokenizer
from finetune.recipe import ModelSettings, Recipe

TINY = ModelSettings(id="tiny")


def test_an_adapter_is_saved_without_a_path_of_this_machine(with_tiny):
    import torch
    from peft import get_peft_model

    run = with_tiny.create(Recipe.from_dict({"data": {"path": "x"}, "model": {"id": "tiny"}}))
    tuned = get_peft_model(
        load_base(TINY, with_tiny, ADAPTERS["lora"](), torch.float32), ADAPTERS["lora"]().peft_config()
    )
    save(tuned, load_tokenizer(TINY, with_tiny), run, run.recipe)
    config = json.loads((run.model_dir / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny"
    assert (run.model_dir / "adapter_model.safetensors").is_file()
    assert str(with_tiny.path) not in "".join(path.read_text() for path in run.model_dir.glob("*.json"))
