import os
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


THREADS = """
import threading
import finetune.libraries as libraries
libraries.cores = lambda: 1
libraries.load_tokenizers()
import torch
threading.Thread(target=lambda: print(torch.get_num_threads())).start()
"""


def test_threads_follow_the_cores_to_use_unless_a_person_said_how_many():
    environment = {name: value for name, value in os.environ.items() if name not in libraries.ASKED_THREADS}
    for asked, threads in ({}, "1"), ({"OMP_NUM_THREADS": "2"}, "2"):
        command, given = [sys.executable, "-c", THREADS], environment | asked
        done = subprocess.run(command, env=given, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == threads
