import pytest

from finetune.errors import BusyError
from finetune.machine.lease import Lease


def test_the_device_has_one_holder(tmp_path):
    with Lease(tmp_path):
        with pytest.raises(BusyError, match="Another run"), Lease(tmp_path):
            pass
    with Lease(tmp_path):
        assert (tmp_path / "device.lock").exists()
