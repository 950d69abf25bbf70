import pytest
import torch
from peft import PeftModel, get_peft_model
from pydantic import ValidationError
from transformers import AutoModelForCausalLM

from finetune.adapters.lora import LoRA
from finetune.adapters.qlora import QLoRA
from finetune.errors import ModelError
from tests import zoo


def test_settings_reach_peft():
    config = LoRA(rank=8, alpha=4, dropout=0.1).peft_config()
    assert (config.r, config.lora_alpha, config.lora_dropout) == (8, 4, 0.1)
    assert config.target_modules == "all-linear"


def test_the_base_is_frozen():
    assert not LoRA().trains_base()


@pytest.mark.parametrize("settings", [{"rank": 0}, {"dropout": 1.0}, {"alpha": -1}, {"r": 8}])
def test_values_out_of_bounds_are_refused(settings):
    with pytest.raises(ValidationError):
        LoRA(**settings)


def test_defaults_give_peft_what_they_always_gave():
    assert LoRA().peft_arguments() == (
        "LoraConfig",
        {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": "all-linear", "task_type": "CAUSAL_LM"},
    )
    assert not (LoRA().on_adapter() or LoRA().on_trainer() or LoRA().on_saved())


def test_variants_reach_peft():
    config = LoRA(rslora=True, dora=True, target_modules="q_proj, v_proj", modules_to_save="lm_head").peft_config()
    assert config.use_rslora and config.use_dora and config.target_modules == {"q_proj", "v_proj"}
    assert config.modules_to_save == ["lm_head"] and LoRA(init="pissa").peft_config().init_lora_weights == "pissa"


@pytest.mark.parametrize("name", ["qwen2", "phi3", "gpt_neox", "falcon", "gemma3"])
def test_attention_is_attention_alone(name):
    model = zoo.model(name)
    tuned = get_peft_model(model, LoRA(rank=2, target_modules="attention").peft_config(model))
    found = {key.partition(".lora_A")[0] for key, _ in tuned.named_parameters() if ".lora_A." in key}
    assert found and all("attn" in key or "attention" in key for key in found) and not any("vision" in k for k in found)


def test_a_layer_that_is_nowhere_is_refused_with_those_that_are():
    with pytest.raises(ModelError, match=r"no layer called wq \(adapter.target_modules\)"):
        LoRA(target_modules="wq").peft_config(zoo.model("qwen2"))
    with pytest.raises(ModelError, match=r"no layer called tokens \(adapter.modules_to_save\)"):
        LoRA(modules_to_save="tokens").peft_config(zoo.model("qwen2"))
    with pytest.raises(ModelError, match=r"mlp is no layer that an adapter can be beside"):
        LoRA(target_modules="mlp").peft_config(zoo.model("qwen2"))
    with pytest.raises(ModelError, match=r"q_proj is quantized"):
        QLoRA(modules_to_save="q_proj").peft_config(zoo.model("qwen2"))


def test_a_layer_is_trained_whole_or_has_an_adapter():
    with pytest.raises(ValidationError, match="up_proj is in target_modules and in modules_to_save"):
        LoRA(target_modules="q_proj, up_proj", modules_to_save="norm, up_proj")


@pytest.mark.parametrize("settings", [{"dora": True}, {"modules_to_save": "lm_head"}])
def test_first_values_out_of_the_base_do_not_go_with_all(settings):
    with pytest.raises(ValidationError, match="takes its first values out of the base"):
        LoRA(init="pissa", **settings)
    with pytest.raises(ValidationError, match="which quantized ones do not allow"):
        QLoRA(init="olora")


def test_a_method_that_needs_the_base_beside_it_refuses_a_rewritten_one(tmp_path):
    from tests.training.test_train import recipe

    (problem,) = recipe(tmp_path, method="dpo", **{"adapter.init": "pissa"}).check()
    assert "compares with the untouched base" in problem.message and problem.where == "adapter"
    assert not recipe(tmp_path, method="sft", **{"adapter.init": "pissa"}).check()


def test_b_has_a_rate_of_its_own_and_the_schedule_moves_both(trained, monkeypatch):
    from transformers import Trainer

    seen, step = [], Trainer.training_step

    def training_step(self, model, inputs, *more):
        names = {id(weight): name for name, weight in model.named_parameters()}
        groups = self.optimizer.param_groups
        seen.append({"lora_B" in names[id(weight)]: group["lr"] for group in groups for weight in group["params"]})
        return step(self, model, inputs, *more)

    monkeypatch.setattr(Trainer, "training_step", training_step)
    trained(**{"adapter.b_rate": 8.0, "training.max_steps": 3, "evaluation.times": 0})
    assert len(seen) == 3 and all(rates[True] == pytest.approx(8 * rates[False]) for rates in seen)
    assert seen[0] != seen[1]


def test_a_rewritten_base_is_the_untouched_one_again_once_it_is_saved(tiny_model, tmp_path):
    """B₀A₀ was taken out of the base, so right after the start nothing has changed, and what is saved adds zero."""
    adapter = LoRA(init="pissa", rank=4)
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()
    ids = torch.arange(60, 90)[None]
    with torch.no_grad():
        before = base(input_ids=ids).logits
        tuned = get_peft_model(base, adapter.peft_config(base)).eval()
        adapter.on_adapter()(tuned, None)
        with tuned.disable_adapter():
            assert not torch.allclose(tuned(input_ids=ids).logits, before, atol=0.1), "PEFT no longer rewrites the base"
        tuned.save_pretrained(tmp_path)
        adapter.on_saved()(tuned, tmp_path)
        again = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()
        again = PeftModel.from_pretrained(again, tmp_path).eval()
        torch.testing.assert_close(again(input_ids=ids).logits, before, atol=1e-3, rtol=1e-3)
        with again.disable_adapter():
            assert torch.equal(again(input_ids=ids).logits, before)


@pytest.mark.parametrize(("settings", "scale"), [({}, 32 / 16), ({"adapter.rslora": True}, 32 / 16**0.5)])
def test_merged_weights_are_those_of_the_paper(settings, scale, trained, with_tiny, tiny_model, tmp_path):
    """W + (α / r) B A (Hu et al. 2021, §4.1), or α / √r (Kalajdzievski 2023, eq. 4), from the files alone."""
    from safetensors.torch import load_file

    from finetune.exports import TARGETS

    run = trained(**settings, **{"training.precision": "fp32", "training.max_steps": 3, "evaluation.times": 0})
    folder, _, _ = TARGETS["merged"].write(run, with_tiny, tmp_path / "out")
    base, merged = (load_file(path / "model.safetensors") for path in (tiny_model, folder))
    adapter = load_file(run.model_dir / "adapter_model.safetensors")
    layers = {name.partition(".lora_")[0] for name in adapter}
    for layer in layers:
        b, a = (adapter[f"{layer}.lora_{side}.weight"].float() for side in "BA")
        name = layer.removeprefix("base_model.model.") + ".weight"
        by_hand = (base[name].float() + scale * b @ a).to(merged[name].dtype)
        torch.testing.assert_close(merged[name], by_hand, rtol=2**-7, atol=1e-6)
        assert not torch.equal(merged[name], base[name])
    assert len(layers) == 14  # seven linear layers in each of two
