"""The tuned model as a GGUF file, which answers as the run does."""

import json
import shutil

import pytest

from finetune.errors import RunError
from finetune.exports import parity
from finetune.exports.gguf import Gguf, GgufSettings, gguf_in, ollama_name
from finetune.exports.llama_cpp import tools
from finetune.exports.target import Work
from finetune.models.locate import STARTER
from finetune.recipe import Recipe
from finetune.runs.job import Stopped
from tests.models.test_dialect import change
from tests.training.test_train import recipe


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    """A LoRA for the starter that changes its answers, and the starter's tokenizer beside it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(0)
    tuned = get_peft_model(
        AutoModelForCausalLM.from_pretrained(STARTER),
        LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    tuned.save_pretrained(folder)
    AutoTokenizer.from_pretrained(STARTER).save_pretrained(folder)
    return folder


@pytest.fixture
def run(workspace, adapter, tmp_path):
    """A run of the starter that has that adapter, and a system prompt."""
    changes = {"model.id": "starter", "data.system": 'Say "Arr" often.', "training.precision": "fp32"}
    found = workspace.create(recipe(tmp_path, **changes))
    shutil.copytree(adapter, found.model_dir)
    return found


def written(run, workspace, to, **options):
    return Gguf().write(run, workspace, to, GgufSettings(**options)).path


@pytest.mark.parametrize("quantization", ["f16", "q8_0"])
def test_the_starter_answers_as_the_run_does_in_llama_cpp(quantization, run, workspace, tmp_path):
    pytest.importorskip("llama_cpp")
    path, options = written(run, workspace, tmp_path / "out", quantization=quantization), GgufSettings()
    found = parity.check(Gguf(), run, workspace, path, options.model_copy(update={"quantization": quantization}))
    assert found.passes and found.opened_with.startswith("llama.cpp")
    assert all(each.is_same_prompt and each.tokens for each in found.compared)
    # At most one token went another way where the run was nearly undecided.
    assert found.same >= 4


def test_it_answers_as_the_run_does_in_transformers(run, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(tools, "has_library", lambda: False)
    found = parity.check(Gguf(), run, workspace, written(run, workspace, tmp_path / "out"), GgufSettings())
    assert found.passes and found.opened_with.startswith("Transformers") and found.same >= 4


def test_the_folder_has_all_that_ollama_and_a_reader_need(run, workspace, tmp_path):
    reports = []
    exported = Gguf().write(run, workspace, tmp_path, work=Work(report=lambda what, share: reports.append(share)))
    path = exported.path
    names = {f"{run.id}-Q8_0.gguf", "Modelfile", "README.md", "recipe.yaml"}
    assert path == tmp_path / f"{run.id}-gguf" and {file.name for file in path.iterdir()} == names
    said = (path / "Modelfile").read_text(encoding="utf-8")
    assert said.startswith(f"FROM ./{run.id}-Q8_0.gguf\nTEMPLATE ") and 'SYSTEM """Say "Arr" often."""' in said
    assert said.endswith('PARAMETER stop "<|im_end|>"\n')
    card = (path / "README.md").read_text(encoding="utf-8")
    assert "library_name: gguf" in card and "- gguf" in card and exported.note in card and "ollama create" in card
    assert "from transformers" not in card
    assert Recipe.load(path / "recipe.yaml") == run.recipe
    assert reports == sorted(reports) and reports[-1] == 1
    steps = Gguf().steps(run, exported)
    assert str(path) in steps[0].commands and f"ollama run {ollama_name(run)}" in steps[0].commands
    assert str(gguf_in(path)) in steps[1].commands
    with pytest.raises(RunError, match="already exists"):
        written(run, workspace, tmp_path)


def test_the_system_prompt_is_the_runs_or_another_or_none(run, workspace, tmp_path):
    for name, options, said in (("a", {"system": "Hi."}, 'SYSTEM """Hi."""'), ("b", {"system": ""}, None)):
        text = (written(run, workspace, tmp_path / name, **options) / "Modelfile").read_text()
        assert (said in text) if said else "SYSTEM" not in text
    with pytest.raises(RunError, match="quotation mark"):
        written(run, workspace, tmp_path / "c", system='"""')
    assert not (tmp_path / "c").exists()


def test_four_bits_need_a_quantizer(run, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(tools, "quantizer", list)
    with pytest.raises(RunError, match="q4_k_m needs llama.cpp's quantizer"):
        written(run, workspace, tmp_path / "out", quantization="q4_k_m")
    assert not (tmp_path / "out").exists()


def test_four_bits_are_the_smallest(run, workspace, tmp_path):
    pytest.importorskip("llama_cpp")
    small = written(run, workspace, tmp_path / "a", quantization="q4_k_m")
    large = written(run, workspace, tmp_path / "b")
    assert gguf_in(small).stat().st_size < 0.75 * gguf_in(large).stat().st_size
    assert len(list(small.iterdir())) == 4


def test_all_weights_are_written_where_all_were_trained(with_tiny, tmp_path, tiny_model):
    from transformers import AutoModelForCausalLM

    run = with_tiny.create(recipe(tmp_path, adapter="full"))
    shutil.copytree(tiny_model, run.model_dir)
    path = written(run, with_tiny, tmp_path / "out", quantization="bf16")
    own = AutoModelForCausalLM.from_pretrained(tiny_model).state_dict()
    read = AutoModelForCausalLM.from_pretrained(path, gguf_file=gguf_in(path).name, dtype="bfloat16").state_dict()
    assert all((weight == read[name]).all() for name, weight in own.items())


def test_an_unknown_architecture_goes_to_the_converter_or_is_refused(with_tiny, tmp_path, tiny_model, monkeypatch):
    run = with_tiny.create(recipe(tmp_path, adapter="full"))
    shutil.copytree(tiny_model, run.model_dir)
    change(run.model_dir / "config.json", model_type="bloom", architectures=["BloomForCausalLM"])
    monkeypatch.delenv(tools.FOLDER, raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RunError, match="its architecture is bloom, and known are Llama, Mistral") as refused:
        Gguf().require(run)
    assert "LLAMA_CPP" in refused.value.hint
    (tmp_path / "llama.cpp").mkdir()
    told = "import json, sys; open(sys.argv[3], 'w').write(json.dumps(sys.argv[1:]))"
    (tmp_path / "llama.cpp" / tools.CONVERTER).write_text(told)
    monkeypatch.setenv(tools.FOLDER, str(tmp_path / "llama.cpp"))
    exported = Gguf().write(run, with_tiny, tmp_path / "out", GgufSettings(quantization="f16"))
    assert json.loads(gguf_in(exported.path).read_text())[-1] == "f16" and "llama.cpp's converter" in exported.note


def test_what_llama_cpp_computes_otherwise_is_refused_before_anything_is_written(with_tiny, tmp_path, tiny_model):
    run = with_tiny.create(recipe(tmp_path, adapter="full"))
    shutil.copytree(tiny_model, run.model_dir)
    change(run.model_dir / "config.json", hidden_act="gelu")
    with pytest.raises(RunError, match="activation function gelu"):
        written(run, with_tiny, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_reward_model_gives_no_answers(with_tiny, tmp_path, tiny_model):
    run = with_tiny.create(recipe(tmp_path, method="reward"))
    shutil.copytree(tiny_model, run.model_dir)
    with pytest.raises(RunError, match="reward model"):
        Gguf().require(run)


def test_an_adapter_that_only_works_beside_its_base_is_refused(with_tiny, tmp_path, tiny_model):
    run = with_tiny.create(recipe(tmp_path, adapter="prompt"))
    shutil.copytree(tiny_model, run.model_dir)
    with pytest.raises(RunError, match="cannot be merged"):
        Gguf().require(run)


def test_it_ends_when_it_is_asked_to_and_leaves_nothing(run, workspace, tmp_path):
    with pytest.raises(Stopped):
        Gguf().write(run, workspace, tmp_path / "out", work=Work(stopped=lambda: True))
    assert list((tmp_path / "out").iterdir()) == []


def test_fewer_bits_have_more_leeway(run):
    leeways = [Gguf().leeway(run, GgufSettings(quantization=each)) for each in ("f16", "bf16", "q8_0", "q4_k_m")]
    assert leeways == sorted(leeways) and leeways[0] == leeways[1] < leeways[2] < leeways[3]


def test_the_name_for_ollama_has_no_capitals_or_spaces(write_run):
    assert ollama_name(write_run("Größe & Co")) == ollama_name(write_run("Größe & Co")).lower()
    assert all(each.isascii() and (each.isalnum() or each in "._-") for each in ollama_name(write_run("Größe & Co")))
