import zipfile

import gradio as gr
import pytest

from finetune.ui import train


def test_without_runs_it_says_what_to_do(studio):
    look = train.look(studio, None)
    assert "press “Start training”" in look.head and not (look.can_stop or look.can_download or look.can_compare)


def test_a_finished_run_can_be_downloaded_and_compared(studio, write_run):
    look = train.look(studio, write_run().id)
    assert "<svg" in look.charts and "Arr, after 10!" in look.answers
    assert (look.can_stop, look.can_download, look.can_compare) == (False, True, True)


def test_a_run_at_work_can_be_stopped_only(studio, write_run):
    run = write_run(steps=3, state=None)
    with run.held():
        look = train.look(studio, run.id)
        assert (look.can_stop, look.can_download, look.can_compare) == (True, False, False)
        assert train.stop(studio, run.id) == "" and run.cancelled
        assert not train.look(studio, run.id).can_stop


def test_stopping_what_is_over_says_so(studio, write_run):
    assert "is not running" in train.stop(studio, write_run().id)


def test_equal_moments_look_equal(studio, write_run):
    run = write_run()
    assert train.look(studio, run.id) == train.look(studio, run.id)


def test_only_runs_with_a_model_can_be_talked_to(studio, write_run):
    good, failed = write_run(), write_run(state="failed", steps=2)
    assert [value for _, value in train.choices(studio)] == [failed.id, good.id]
    assert [value for _, value in train.choices(studio, with_model=True)] == [good.id]


def test_the_download_is_a_zip_of_the_model(studio, write_run):
    run = write_run()
    run.model_dir.mkdir()
    (run.model_dir / "adapter_config.json").write_text("{}")
    (run.model_dir / "adapter_model.safetensors").write_bytes(b"weights")
    path, notice = train.download(studio, run.id)
    assert notice == "" and any("adapter_config.json" in name for name in zipfile.ZipFile(path).namelist())


@pytest.mark.parametrize("run_id", [None, "099-gone"])
def test_there_is_nothing_to_download_without_a_run(studio, run_id):
    path, notice = train.download(studio, run_id)
    assert path is None and "There is no run" in notice


def test_values_are_as_many_as_the_components(studio):
    with gr.Blocks():
        parts = train.draw(studio)
    assert len(train.look(studio, None).values()) == len(parts.looked())
