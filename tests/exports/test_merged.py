"""The tuned model as a folder that needs no base."""

import shutil

import pytest
from peft import get_peft_model

from finetune.errors import RunError
from finetune.exports.merged import Merged, shares_weights
from finetune.recipe import Recipe
from finetune.training.train import train
from tests import zoo
from tests.models.test_dialect import change, in_old_dialect
from tests.tiny import write_tiny_model
from tests.training.test_train import recipe


@pytest.fixture(scope="module")
def trained(tiny_model, tmp_path_factory):
    """A workspace with a finished LoRA run."""
    from finetune.runs.workspace import Workspace

    folder = tmp_path_factory.mktemp("trained")
    workspace = Workspace(folder / "workspace")
    (workspace.models_dir / "tiny").symlink_to(tiny_model)
    run = workspace.create(recipe(folder, **{"training.precision": "fp32"}))
    with run.held():
        train(run, workspace)
    return workspace


@pytest.fixture
def as_if_trained(trained, tmp_path):
    """A run that has the adapter of the finished one, whatever its recipe says."""

    def make(**settings):
        run = trained.create(recipe(tmp_path, **settings))
        shutil.copytree(trained.run("1").model_dir, run.model_dir)
        return run

    return make


def logits(model, tiny_model):
    import torch
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(tiny_model)("What of the sea? Arr, the sea!", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        return model.eval()(input_ids=ids).logits


def tuned_logits(run, folder, dtype):
    """The logits of base and adapter in fp32, the base loaded from ``folder``."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    return logits(PeftModel.from_pretrained(base, run.model_dir).to(torch.float32), folder)


def merged_logits(path, tiny_model):
    import torch
    from transformers import AutoModelForCausalLM

    return logits(AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32), tiny_model)


def test_a_merged_model_answers_as_base_and_adapter_do(trained, tiny_model, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    # Saved in fp32, only the sum itself is rounded.
    AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).save_pretrained(trained.models_dir / "exact")
    for file in tiny_model.glob("*token*"):
        shutil.copy(file, trained.models_dir / "exact")
    run = trained.create(recipe(tmp_path, **{"model.id": "exact"}))
    shutil.copytree(trained.run("1").model_dir, run.model_dir)
    path, words, _ = Merged().write(run, trained, tmp_path / "out")
    assert path == tmp_path / "out" / f"{run.id}-merged" and "float32" in words
    expected, untouched = tuned_logits(run, tiny_model, torch.float32), merged_logits(tiny_model, tiny_model)
    assert (merged_logits(path, tiny_model) - expected).abs().max() < 1e-4
    assert (untouched - expected).abs().max() > 1
    assert {file.name for file in path.iterdir()} >= {"model.safetensors", "config.json", "tokenizer.json", "README.md"}
    assert not list(path.glob("adapter*")) and words in (path / "README.md").read_text(encoding="utf-8")
    assert Recipe.load(path / "recipe.yaml") == run.recipe


def test_a_merged_model_keeps_the_dtype_of_its_base(trained, tiny_model, tmp_path):
    import torch
    from safetensors.torch import load_file

    path, words, _ = Merged().write(trained.run("1"), trained, tmp_path)
    assert "bfloat16" in words
    assert {tensor.dtype for tensor in load_file(path / "model.safetensors").values()} == {torch.bfloat16}
    expected = tuned_logits(trained.run("1"), tiny_model, torch.float32)
    # bf16 keeps 8 bits of each weight.
    assert (merged_logits(path, tiny_model) - expected).abs().max() < 0.03 * expected.abs().max()


def test_a_quantized_base_is_merged_unquantized_and_the_card_says_so(trained, as_if_trained, tiny_model, tmp_path):
    path, words, _ = Merged().write(as_if_trained(adapter="qlora"), trained, tmp_path / "q")
    assert "4 bits" in words and "4 bits" in (path / "README.md").read_text(encoding="utf-8")
    same, _, _ = Merged().write(trained.run("1"), trained, tmp_path / "l")
    assert (path / "model.safetensors").read_bytes() == (same / "model.safetensors").read_bytes()


def test_a_fully_trained_model_is_copied(with_tiny, tmp_path, tiny_model):
    run = with_tiny.create(recipe(tmp_path, adapter="full"))
    shutil.copytree(tiny_model, run.model_dir)
    path, words, _ = Merged().write(run, with_tiny, tmp_path / "out")
    assert "nothing to merge" in words
    assert (path / "model.safetensors").read_bytes() == (tiny_model / "model.safetensors").read_bytes()


def test_an_adapter_that_cannot_be_merged_is_refused(with_tiny, tiny_model, tmp_path):
    from peft import PromptTuningConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    run = with_tiny.create(recipe(tmp_path))
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    prompt = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)
    get_peft_model(base, prompt).save_pretrained(run.model_dir)
    with pytest.raises(RunError, match=r"\(PROMPT_TUNING\) cannot be merged") as refused:
        Merged().write(run, with_tiny, tmp_path / "out")
    assert "adapter" in refused.value.hint
    assert list((tmp_path / "out").iterdir()) == []


def test_an_existing_folder_is_not_overwritten(trained, tmp_path):
    Merged().write(trained.run("1"), trained, tmp_path)
    with pytest.raises(RunError, match="already exists"):
        Merged().write(trained.run("1"), trained, tmp_path)


def test_a_run_without_a_model_has_nothing_to_merge(run, workspace, tmp_path):
    with pytest.raises(RunError, match="no tuned model"):
        Merged().write(run, workspace, tmp_path)


@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_what_leaves_is_in_the_dialect_of_its_base(adapter, workspace, tmp_path):
    import torch
    from safetensors.torch import load_file
    from transformers import AutoConfig

    base = in_old_dialect(write_tiny_model(workspace.models_dir / "tiny"))
    run = workspace.create(recipe(tmp_path, adapter=adapter))
    with run.held():
        train(run, workspace)
    path, _, _ = Merged().write(run, workspace, tmp_path / "out")
    same = {file.name for file in base.iterdir()} - {"README.md", "modeling_tiny.py", "model.safetensors"}
    assert len(same) == 10
    for name in same:
        assert (path / name).read_bytes() == (base / name).read_bytes(), name
    saved, own = load_file(path / "model.safetensors"), load_file(base / "model.safetensors")
    assert {name: weight.dtype for name, weight in saved.items()} == dict.fromkeys(own, torch.bfloat16)
    assert (path / "model.safetensors").stat().st_size <= (base / "model.safetensors").stat().st_size + 1000
    assert AutoConfig.from_pretrained(path).rope_parameters["rope_theta"] == 1000000.0
    names = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.model"}
    assert all((run.model_dir / name).read_bytes() == (base / name).read_bytes() for name in names)
    if adapter == "lora":
        expected = tuned_logits(run, base, torch.float32)
        assert (merged_logits(path, base) - expected).abs().max() < 0.03 * expected.abs().max()


@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_a_model_that_learnt_chatml_ends_its_answers_there(adapter, workspace, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = write_tiny_model(workspace.models_dir / "tiny")
    for name, values in {
        "tokenizer_config.json": {"eos_token": "<|endoftext|>"},
        "generation_config.json": {"eos_token_id": 256},
        "config.json": {"eos_token_id": 256},
    }.items():
        change(base / name, **values)
    (base / "chat_template.jinja").unlink()
    settings = {"training.max_steps": 60, "model.chat_template": "chatml", "evaluation.times": 0}
    run = workspace.create(recipe(tmp_path, adapter=adapter, **settings))
    with run.held():
        train(run, workspace)
    path, _, _ = Merged().write(run, workspace, tmp_path / "out")
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModelForCausalLM.from_pretrained(path)
    assert tokenizer.eos_token == "<|im_end|>" and model.generation_config.eos_token_id == [256, 258]
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What of the sea?"}], add_generation_prompt=True, return_tensors="pt"
    )
    answer = model.generate(**asked, max_new_tokens=60, do_sample=False)[0, asked["input_ids"].shape[1] :]
    assert len(answer) < 60 and answer[-1] == 258


def test_an_adapter_over_fp8_is_merged_into_the_values_that_its_numbers_stand_for(trained, as_if_trained, tmp_path):
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    from tests.models.damage import edit_tensors
    from tests.models.test_inspection import as_fp8

    folder = shutil.copytree(trained.models_dir / "tiny", trained.models_dir / "fp8")
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    edit_tensors(folder, as_fp8)
    change(folder / "config.json", quantization_config={"quant_method": "fp8", "weight_block_size": [128, 128]})
    stored = load_file(folder / "model.safetensors")
    values = {name: weight.float() * stored.get(f"{name}_scale_inv", 1.0) for name, weight in stored.items()}
    plain.load_state_dict({name: weight for name, weight in values.items() if "scale_inv" not in name}, strict=False)
    run = as_if_trained(**{"model.id": "fp8"})
    path, _, _ = Merged().write(run, trained, tmp_path / "out")
    expected = logits(PeftModel.from_pretrained(plain, run.model_dir), folder)
    assert (merged_logits(path, folder) - expected).abs().max() < 0.03 * expected.abs().max()
    assert "quantization_config" not in (path / "config.json").read_text(encoding="utf-8")


def test_an_adapter_over_quantized_weights_is_refused(trained, as_if_trained, tmp_path):
    run = as_if_trained()
    shutil.copytree(trained.models_dir / "tiny", trained.models_dir / "quantized")
    change(trained.models_dir / "quantized" / "config.json", quantization_config={"load_in_4bit": True})
    other = as_if_trained(**{"model.id": "quantized"})
    with pytest.raises(RunError, match="the weights of its base quantized have 4 bits") as refused:
        Merged().write(other, trained, tmp_path / "out")
    assert "adapter alone" in refused.value.hint and run.id != other.id


def test_layers_that_share_their_weights_cannot_each_be_merged():
    from finetune.adapters import ADAPTERS

    for name, shared in (("zamba2", True), ("llama", False)):
        base = zoo.model(name)
        assert shares_weights(get_peft_model(base, ADAPTERS["lora"](rank=2).peft_config(base))) == shared
