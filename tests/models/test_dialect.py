"""What lies beside the weights is the base's own, in its own dialect; only what training changed is changed."""

import json

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from finetune.data.tokens import with_chatml
from finetune.models.dialect import add_older_positions, keep_dialect, stored_dtype
from tests import zoo
from tests.tiny import write_tiny_model

ROPE = {"rope_theta": 1000000.0, "rope_scaling": None, "use_cache": True, "torch_dtype": "bfloat16"}
CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def change(path, drop=(), **values):
    content = json.loads(path.read_text(encoding="utf-8"))
    content = {name: value for name, value in content.items() if name not in drop} | values
    path.write_text(json.dumps(content, indent=4) + "\n\n", encoding="utf-8")


def in_old_dialect(folder):
    """Rewrite the model in ``folder`` as Transformers 4 wrote it, with what else a published model has beside it."""
    change(folder / "config.json", ("rope_parameters", "dtype"), **ROPE, transformers_version="4.40.0")
    special = {"additional_special_tokens": ["<|im_start|>"], "extra": "kept", "auto": None}
    template = (folder / "chat_template.jinja").read_text(encoding="utf-8")
    drop = ("extra_special_tokens", "backend", "is_local", "local_files_only")
    change(folder / "tokenizer_config.json", drop, **special, chat_template=template)
    (folder / "chat_template.jinja").unlink()
    named = {"eos_token": {"content": "<|im_end|>", "lstrip": False}, "pad_token": "<|endoftext|>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(named))
    change(folder / "generation_config.json", temperature=0.6, top_p=0.9)  # without do_sample, as Llama 2 and Vicuna
    for name in ("tokenizer.model", "preprocessor_config.json", "processor_config.json", "LICENSE", "LICENCE.txt"):
        (folder / name).write_text("{}")
    (folder / "README.md").write_text("the base's card")
    (folder / "modeling_tiny.py").write_text("raise SystemExit")
    return folder


@pytest.fixture
def base(tmp_path):
    return in_old_dialect(write_tiny_model(tmp_path / "base"))


def saved(base, folder, tokenizer=None, is_whole=True):
    """The model in ``base`` as Transformers writes it, and then in the dialect of its base."""
    model = AutoModelForCausalLM.from_pretrained(base)
    model.config.use_cache = False
    tokenizer = tokenizer or AutoTokenizer.from_pretrained(base)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    keep_dialect(folder, base, tokenizer, is_whole)
    return folder


def test_all_that_training_did_not_change_is_equal_byte_for_byte(base, tmp_path):
    folder = saved(base, tmp_path / "out")
    kept = {path.name for path in base.iterdir()} - {"README.md", "modeling_tiny.py", "model.safetensors"}
    assert {path.name for path in folder.iterdir()} == kept | {"model.safetensors"}
    for name in kept:
        assert (folder / name).read_bytes() == (base / name).read_bytes()
    assert AutoConfig.from_pretrained(folder).rope_parameters["rope_theta"] == 1000000.0
    ids = torch.arange(20)[None]
    one, other = (AutoModelForCausalLM.from_pretrained(each)(input_ids=ids).logits for each in (base, folder))
    assert torch.equal(one, other)


def test_beside_an_adapter_only_the_tokenizer_goes_along(base, tmp_path):
    folder = tmp_path / "adapter"
    folder.mkdir()
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.save_pretrained(folder)
    keep_dialect(folder, base, tokenizer, is_whole=False)
    names = {"tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert all((folder / name).read_bytes() == (base / name).read_bytes() for name in names)


@pytest.mark.parametrize("where", ["in its config", "in a file", "several", "nowhere", "without tokenizer_config"])
def test_another_template_and_its_end_token_change_nothing_else(where, base, tmp_path):
    path = base / "tokenizer_config.json"
    change(path, eos_token="<|endoftext|>")
    change(base / "special_tokens_map.json", eos_token="<|endoftext|>")
    change(base / "generation_config.json", eos_token_id=256)
    if where == "in a file":
        (base / "chat_template.jinja").write_text("{{ messages }}")
        change(path, drop=["chat_template"])
    if where == "several":
        change(path, chat_template=[{"name": name, "template": "{{ messages }}"} for name in ("default", "tool_use")])
    if where == "nowhere":
        change(path, drop=["chat_template"])
    if where == "without tokenizer_config":
        path.unlink()
    tokenizer = with_chatml(AutoTokenizer.from_pretrained(base))
    folder = saved(base, tmp_path / "out", tokenizer)
    again = AutoTokenizer.from_pretrained(folder)
    assert again.eos_token == tokenizer.eos_token == "<|im_end|>" and again.chat_template == tokenizer.chat_template
    assert again.apply_chat_template(CHAT, tokenize=False) == tokenizer.apply_chat_template(CHAT, tokenize=False)
    if path.exists():
        before, after = (json.loads((each / path.name).read_text()) for each in (base, folder))
        assert {name for name in before | after if before.get(name) != after.get(name)} <= {
            "eos_token",
            "chat_template",
        }
    assert json.loads((folder / "special_tokens_map.json").read_text())["eos_token"] == "<|im_end|>"
    assert GenerationConfig.from_pretrained(folder).eos_token_id == [256, 258]


@pytest.mark.parametrize(
    ("said", "expected"),
    [(258, 258), ([256, 258], [256, 258]), (256, [256, 258]), ([256, 257], [256, 257, 258]), (None, [258])],
)
def test_the_generation_config_ends_where_turns_end(said, expected, base, tmp_path):
    other = {"temperature": 0.7, "repetition_penalty": 1.1}
    change(base / "generation_config.json", ["_from_model_config"], eos_token_id=said, **other)
    folder = saved(base, tmp_path / "out")
    before, after = (json.loads((each / "generation_config.json").read_text()) for each in (base, folder))
    assert after == before | {"eos_token_id": expected}
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.generation_config.eos_token_id == expected


@pytest.mark.parametrize(("config_ends", "expected"), [(258, None), (256, [256, 258])])
def test_a_base_without_generation_config_gets_one_only_for_its_ends(config_ends, expected, base, tmp_path):
    (base / "generation_config.json").unlink()
    change(base / "config.json", eos_token_id=config_ends)
    folder = saved(base, tmp_path / "out")
    assert (folder / "generation_config.json").exists() == (expected is not None)
    assert AutoModelForCausalLM.from_pretrained(folder).generation_config.eos_token_id == (expected or config_ends)


def test_turns_end_with_the_templates_token_where_the_tokenizer_has_another(base, tmp_path):
    change(base / "tokenizer_config.json", eos_token="<|endoftext|>")
    change(base / "special_tokens_map.json", eos_token="<|endoftext|>")
    change(base / "generation_config.json", eos_token_id=256)
    folder = saved(base, tmp_path / "out")
    assert GenerationConfig.from_pretrained(folder).eos_token_id == [256, 258]
    for name in ("tokenizer_config.json", "special_tokens_map.json", "config.json"):
        assert (folder / name).read_bytes() == (base / name).read_bytes()


def test_a_stored_format_that_the_weights_no_longer_have_is_not_named(base, tmp_path):
    folder = saved(base, tmp_path / "out")
    before = json.loads((folder / "config.json").read_text())
    change(base / "config.json", quantization_config={"quant_method": "fp8"})
    keep_dialect(folder, base, AutoTokenizer.from_pretrained(base), is_whole=True)
    assert json.loads((folder / "config.json").read_text()) == before


def test_what_the_config_lacks_is_added_and_code_that_is_not_here_is_not_named(base, tmp_path):
    change(base / "config.json", ["architectures"], auto_map={"AutoConfig": "modeling_tiny.TinyConfig"})
    folder = saved(base, tmp_path / "out")
    before, after = (json.loads((each / "config.json").read_text()) for each in (base, folder))
    del before["auto_map"]
    assert after == before | {"architectures": ["Qwen2ForCausalLM"]}


@pytest.mark.parametrize(
    ("config", "weights", "expected"),
    [
        ({"torch_dtype": "bfloat16"}, "float32", "bfloat16"),
        ({"dtype": "float16"}, "float32", "float16"),
        ({"text_config": {"torch_dtype": "bfloat16"}}, "float32", "bfloat16"),
        ({}, "bfloat16", "bfloat16"),
        ({}, "float32", "float32"),
        ({"dtype": None}, "float16", "float16"),
        ({"torch_dtype": "float32"}, "bfloat16", "float32"),
    ],
)
def test_the_dtype_is_what_the_config_says_else_what_the_weights_have(config, weights, expected, tmp_path):
    from safetensors.torch import save_file

    (tmp_path / "config.json").write_text(json.dumps(config))
    dtype = getattr(torch, weights)
    some = {"a": torch.zeros(99, dtype=dtype), "scale": torch.zeros(3), "step": torch.zeros(1, dtype=torch.int64)}
    save_file(some, tmp_path / "model.safetensors")
    assert stored_dtype(tmp_path) == getattr(torch, expected)


def test_a_folder_of_templates_goes_along(base, tmp_path):
    template = json.loads((base / "tokenizer_config.json").read_text())["chat_template"]
    change(base / "tokenizer_config.json", drop=["chat_template"])
    (base / "chat_template.jinja").write_text(template)
    (base / "additional_chat_templates").mkdir()
    (base / "additional_chat_templates" / "tool_use.jinja").write_text("{{ tools }}")
    folder = saved(base, tmp_path / "out")
    assert (folder / "additional_chat_templates" / "tool_use.jinja").read_text() == "{{ tools }}"
    assert set(AutoTokenizer.from_pretrained(folder).chat_template) == {"default", "tool_use"}


def test_a_base_of_today_gets_the_older_keys_beside_its_own(tmp_path):
    base = write_tiny_model(tmp_path / "base")
    change(base / "config.json", rope_parameters={"rope_type": "yarn", "rope_theta": 5e5, "factor": 2.0})
    change(base / "tokenizer_config.json", extra_special_tokens=["<|im_start|>"])
    folder = saved(base, tmp_path / "out")
    config, tokens = (json.loads((folder / name).read_text()) for name in ("config.json", "tokenizer_config.json"))
    assert config["rope_theta"] == 5e5 and config["rope_scaling"] == {"rope_type": "yarn", "factor": 2.0}
    assert config["rope_parameters"] == {"rope_type": "yarn", "rope_theta": 5e5, "factor": 2.0}
    assert tokens["additional_special_tokens"] == ["<|im_start|>"] and "extra_special_tokens" not in tokens
    assert AutoTokenizer.from_pretrained(folder).extra_special_tokens == ["<|im_start|>"]
    ids = torch.arange(20)[None]
    one, other = (AutoModelForCausalLM.from_pretrained(each)(input_ids=ids).logits for each in (base, folder))
    assert torch.equal(one, other)


def test_layers_with_positions_of_their_own_keep_both_in_the_older_keys(tmp_path):
    rope = {"full_attention": {"rope_type": "default", "rope_theta": 1e6}, "sliding_attention": {"rope_theta": 1e4}}
    base = write_tiny_model(tmp_path / "base")
    folder = saved(base, tmp_path / "out")
    nested = {"architectures": ["Qwen2ForCausalLM"], "text_config": {"rope_parameters": rope}}
    (base / "config.json").write_text(json.dumps(nested))
    keep_dialect(folder, base, AutoTokenizer.from_pretrained(folder), is_whole=True)
    config = json.loads((folder / "config.json").read_text())["text_config"]
    assert config == {"rope_parameters": rope, "rope_theta": 1e6, "rope_local_base_freq": 1e4}


def test_older_keys_of_positions_never_change_what_todays_transformers_reads(tmp_path):
    had = set()
    for name in zoo.architectures():
        folder, config = tmp_path / name, zoo.config(name)
        config.save_pretrained(folder)
        written = (folder / "config.json").read_bytes()
        add_older_positions(folder)
        if (folder / "config.json").read_bytes() != written:
            had.add(name)
            read = AutoConfig.from_pretrained(folder).get_text_config().rope_parameters
            assert read == config.get_text_config().rope_parameters, name
    assert {"llama", "gemma3_text", "gpt_oss"} <= had and not {"gemma4", "gemma4_text"} & had
