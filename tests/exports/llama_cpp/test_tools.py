import sys

import pytest

from finetune.errors import RunError
from finetune.exports.llama_cpp import tools, writing
from tests.exports.llama_cpp.tiny_families import write_family


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of llama.cpp whose programs are still to be written; nothing else is installed."""
    (tmp_path / "llama.cpp").mkdir()
    monkeypatch.setenv(tools.FOLDER, str(tmp_path / "llama.cpp"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(tools, "has_library", lambda: False)
    return tmp_path / "llama.cpp"


def test_nothing_is_found_where_nothing_is(folder):
    assert tools.converter() is None and tools.quantizer() == []
    with pytest.raises(RunError, match="not installed") as refused:
        tools.require_quantizer()
    assert "llama-quantize" in refused.value.hint


def test_programs_are_found_in_the_folder_and_on_the_path(folder, monkeypatch):
    (folder / tools.CONVERTER).write_text("")
    (folder / "build" / "bin").mkdir(parents=True)
    program = folder / "build" / "bin" / tools.QUANTIZER
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert tools.converter() == folder / tools.CONVERTER and tools.quantizer() == [str(program)]
    monkeypatch.delenv(tools.FOLDER)
    assert tools.quantizer() == []
    monkeypatch.setenv("PATH", str(program.parent))
    assert tools.quantizer() == [str(program)]


def test_the_converter_is_given_the_folder_the_file_and_the_type(folder, tmp_path):
    (folder / tools.CONVERTER).write_text("import sys; open(sys.argv[3], 'w').write(' '.join(sys.argv[1:]))")
    tools.convert(tmp_path, tmp_path / "x.gguf", "f16")
    assert (tmp_path / "x.gguf").read_text() == f"{tmp_path} --outfile {tmp_path / 'x.gguf'} --outtype f16"


def test_what_the_converter_says_is_told(folder, tmp_path):
    (folder / tools.CONVERTER).write_text("raise SystemExit('Model Foo is not supported')")
    with pytest.raises(RunError, match="Model Foo is not supported"):
        tools.convert(tmp_path, tmp_path / "x.gguf", "f16")


def test_the_library_quantizes(written, tmp_path):
    pytest.importorskip("llama_cpp")
    from gguf import GGUFReader

    _, file = written("qwen2")
    assert tools.quantizer()[0] == sys.executable
    tools.quantize(file, tmp_path / "q4.gguf", "q4_k_m")
    assert GGUFReader(tmp_path / "q4.gguf").fields["general.file_type"].contents() == 15
    with pytest.raises(RunError, match="could not write"):
        tools.quantize(tmp_path / "nothing.gguf", tmp_path / "q.gguf", "q4_k_m")


def test_a_tiny_model_is_written_without_any_tool(folder, tmp_path):
    from transformers import AutoTokenizer

    model = write_family("qwen2", tmp_path / "tiny")
    writing.write(model, AutoTokenizer.from_pretrained(model), tmp_path / "x.gguf", "f16", "tiny")
    assert (tmp_path / "x.gguf").read_bytes()[:4] == b"GGUF"
