import ast
import json

from finetune.models.usage import usage
from finetune.recipe import Recipe


def made(workspace, adapter="lora", model="starter"):
    values = {"data": {"path": "rows.jsonl"}, "adapter": {"type": adapter}, "model": {"id": model}}
    run = workspace.create(Recipe.from_dict(values))
    run.model_dir.mkdir()
    return run


def test_an_adapter_is_loaded_onto_its_base_and_a_full_model_alone(workspace):
    adapter, full = usage(made(workspace)), usage(made(workspace, "full"))
    ast.parse(adapter), ast.parse(full)
    assert 'PeftModel.from_pretrained(base, "model")' in adapter and "PATH/TO/assets/starter" in adapter
    assert "PeftModel" not in full and 'from_pretrained("model")' in full
    assert "PeftModel" not in usage(made(workspace), merged=True) and 'from_pretrained(".")' in usage(
        made(workspace), merged=True
    )


def test_the_class_is_that_of_the_saved_model(workspace):
    run = made(workspace)
    (run.model_dir / "adapter_config.json").write_text(json.dumps({"auto_mapping": {"base_model_class": "x"}}))
    assert "AutoModelForImageTextToText" in usage(run)


def test_an_adapter_type_of_this_program_is_made_known_first(workspace):
    assert "sys.path.append" in usage(made(workspace, "bottleneck"))


def test_no_name_ends_the_text(workspace):
    source = usage(made(workspace, model='my"model'))
    ast.parse(source)
    assert 'my\\"model' in source
