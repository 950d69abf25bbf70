import pytest

from finetune.errors import BusyError, ModelError, RunError
from finetune.ui.compare.request import notice_of, run_of, sampling_of


def test_settings_are_checked():
    assert sampling_of({"seed": 3, "max_tokens": 5}).seed == 3 and sampling_of({"seed": 3}, 8).seed == 8
    with pytest.raises(RunError):
        sampling_of({"max_tokens": 0})


def test_a_run_is_needed(studio, write_run):
    run = write_run()
    assert run_of(studio, run.id).id == run.id
    for gone in (None, "", "099-gone"):
        with pytest.raises(RunError, match="no finished run"):
            run_of(studio, gone)


def test_a_busy_machine_is_no_alarm():
    assert "notice info" in notice_of(BusyError("Busy.")) and "role='status'" in notice_of(BusyError("Busy."))
    assert "notice error" in notice_of(ModelError("Wrong.")) and "role='alert'" in notice_of(ModelError("Wrong."))
