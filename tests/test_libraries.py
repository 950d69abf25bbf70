import subprocess
import sys

from finetune import libraries


def test_versions_name_every_library():
    assert set(libraries.versions()) == set(libraries.NAMES)


def test_loading_turns_telemetry_off_and_prints_nothing():
    script = "import os, finetune.libraries as l; l.load(); print(os.environ['HF_HUB_DISABLE_TELEMETRY'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    assert done.stderr == ""
