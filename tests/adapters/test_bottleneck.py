"""Bottleneck adapters: what they compute, and that a plain PEFT loads them with the file that comes along."""

import subprocess
import sys

import pytest
import torch
from peft import get_peft_model

from finetune.adapters.bottleneck import Bottleneck
from finetune.errors import ModelError
from tests import zoo

ALONE = """
import sys, torch
from transformers import AutoModelForCausalLM
from peft import PeftModel
base, folder, to = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
try:
    PeftModel.from_pretrained(model, folder)
except (KeyError, ValueError):
    pass
else:
    sys.exit("it is loaded as something else")
sys.path.append(folder)
import bottleneck_adapter
torch.save(PeftModel.from_pretrained(model, folder).eval()(input_ids=torch.arange(60, 90)[None]).logits, to)
"""


def test_another_program_loads_it_with_its_file_and_not_without(trained, tiny_model, tmp_path, monkeypatch):
    from finetune.training import train as training

    seen, save = [], training.save

    def save_and_see(model, *given):
        seen.append(model.eval()(input_ids=torch.arange(60, 90)[None]).logits)
        save(model, *given)

    monkeypatch.setattr(training, "save", save_and_see)
    settings = {"training.precision": "fp32", "training.max_steps": 2, "evaluation.times": 0}
    run = trained(adapter="bottleneck", **settings)
    command = [sys.executable, "-c", ALONE, tiny_model, run.model_dir, tmp_path / "logits.pt"]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    torch.testing.assert_close(torch.load(tmp_path / "logits.pt"), seen[0].float())


@pytest.mark.parametrize(("places", "names"), [("houlsby", {"o_proj", "down_proj"}), ("pfeiffer", {"down_proj"})])
def test_a_network_stands_behind_each_block_and_changes_nothing_at_first(places, names):
    model, ids = zoo.model("llama").eval(), torch.arange(20, 40)[None]
    with torch.no_grad():
        before = model(input_ids=ids).logits
        config = Bottleneck(places=places, size=5).peft_config(model)
        tuned = get_peft_model(model, config).eval()
        assert config.target_modules == names and torch.equal(tuned(input_ids=ids).logits, before)
    layer = tuned.base_model.model.model.layers[0].mlp.down_proj
    torch.nn.init.normal_(layer.bottleneck_up["default"].weight)
    x, down, up = torch.randn(3, 96), layer.bottleneck_down["default"], layer.bottleneck_up["default"]
    h = layer.base_layer(x)
    torch.testing.assert_close(layer(x), h + up(torch.nn.functional.gelu(down(h))))
    with tuned.disable_adapter():
        assert torch.equal(layer(x), h)


@pytest.mark.parametrize("name", ["qwen2", "gpt2", "falcon", "phi3", "bloom", "gpt_neox"])
def test_other_families_have_such_blocks_too(name):
    model = zoo.model(name)
    assert len(Bottleneck().peft_config(model).target_modules) == 2


def test_a_model_of_other_blocks_is_refused():
    with pytest.raises(ModelError, match=r"The blocks of this model \(mamba\) are not known"):
        Bottleneck().peft_config(zoo.model("mamba"))
