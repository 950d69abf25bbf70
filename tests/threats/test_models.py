"""A model folder that is hostile in many ways, used as the program does: nothing of it runs or leaves the folder."""

import json
import os
import pickle

import pytest

from finetune.errors import ModelError
from finetune.models.dialect import keep_dialect
from finetune.models.inspection import inspect
from finetune.models.locate import locate
from finetune.models.tokenizer import read_tokenizer
from finetune.recipe import ModelSettings


@pytest.fixture
def model(workspace, files):
    """The folder of a model, and what tells that something of it has run."""
    folder = workspace.models_dir / "hostile"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.threat("T19", "T22")
@pytest.mark.parametrize("kind", ["qwen2", "brand_new"])
def test_code_and_pickles_that_a_model_brings_do_not_run(workspace, model, tmp_path, kind):
    ran = tmp_path / "ran"

    class Canary:
        def __reduce__(self):
            return os.mkdir, (str(ran),)

    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "rng_state.pth", "tokenizer.pkl"):
        (model / name).write_bytes(pickle.dumps(Canary()))
    code = f"import os\nos.mkdir({str(ran)!r})\n"
    for name in ("modeling.py", "tokenization.py", "configuration.py", "__init__.py", "conftest.py"):
        (model / name).write_text(code)
    names = {"AutoConfig": "configuration.C", "AutoModelForCausalLM": "modeling.M", "AutoModel": "modeling.M"}
    change(model / "config.json", model_type=kind, auto_map=names, trust_remote_code=True)
    change(
        model / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization.T", None]}, trust_remote_code=True
    )
    for use in (locate_it(workspace), lambda: inspect(model, "hostile"), lambda: read_tokenizer(model, "hostile")):
        try:
            use()
        except ModelError as error:
            assert error.message
    assert not ran.exists()


def locate_it(workspace):
    return lambda: locate(ModelSettings(id="hostile"), workspace)


@pytest.mark.threat("T24")
@pytest.mark.parametrize("name", ["../../TRAV", "/tmp/TRAV", "a/../../TRAV", "..\\TRAV"])
def test_a_chat_template_whose_name_is_a_path_is_written_nowhere_else(model, tmp_path, name):
    templates = [{"name": "default", "template": "{{ messages }}"}, {"name": name, "template": "evil"}]
    (model / "chat_template.jinja").unlink(missing_ok=True)
    change(model / "tokenizer_config.json", chat_template=templates)
    saved = tmp_path / "a" / "b" / "saved"
    saved.mkdir(parents=True)
    try:
        tokenizer = read_tokenizer(model, "hostile")
        tokenizer.save_pretrained(saved)
        keep_dialect(saved, model, tokenizer, is_whole=False)
    except (ModelError, ValueError):
        pass
    assert not list(tmp_path.rglob("*TRAV*.jinja")) or all(saved in path.parents for path in tmp_path.rglob("*TRAV*"))
    assert not list((tmp_path / "a").glob("*TRAV*")) and not os.path.exists("/tmp/TRAV.jinja")


@pytest.mark.threat("T23")
def test_nothing_here_fetches_kernels():
    import importlib.util

    assert importlib.util.find_spec("kernels") is None
