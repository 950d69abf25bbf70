import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from finetune.machine import libraries


def test_versions_name_every_library():
    assert set(libraries.versions()) == set(libraries.NAMES)


def test_loading_turns_telemetry_off_and_prints_nothing():
    script = "import os, finetune.machine.libraries as l; l.load(); print(os.environ['HF_HUB_DISABLE_TELEMETRY'])"
    environment = os.environ | {"WANDB_MODE": "offline"}  # of which Transformers says a line, to stdout
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    assert [line for line in done.stderr.splitlines() if "WANDB offline" not in line] == []


THREADS = """
import threading
import finetune.machine.libraries as libraries
libraries.cores = lambda: 1
libraries.load_tokenizers()
import torch
threading.Thread(target=lambda: print(torch.get_num_threads())).start()
"""


def test_threads_follow_the_usable_cores_unless_a_person_set_their_number():
    environment = {name: value for name, value in os.environ.items() if name not in libraries.ASKED_THREADS}
    for asked, threads in ({}, "1"), ({"OMP_NUM_THREADS": "2"}, "2"):
        command, given = [sys.executable, "-c", THREADS], environment | asked
        done = subprocess.run(command, env=given, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == threads


WAITS = """
import sys, threading, time
import finetune.machine.libraries as libraries

def waited_s():
    began = time.perf_counter()
    for _ in range(100):
        time.sleep(0)
    return time.perf_counter() - began

def count():
    while not over:
        sum(range(1000))

libraries.load_tokenizers()
over = []
threading.Thread(target=count).start()
ours = waited_s()
sys.setswitchinterval(0.005)
pythons = waited_s()
over.append(True)
print(pythons / ours)
"""


def test_a_thread_that_computes_lets_the_training_continue_soon():
    done = subprocess.run([sys.executable, "-c", WAITS], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 3


def test_threads_that_render_conversations_at_once_mask_the_answers_as_one_alone_does(tiny_model):
    libraries.load_tokenizers()
    from transformers import AutoTokenizer

    from finetune.data.tokens import chat_sequence

    tokenizer, ask = AutoTokenizer.from_pretrained(tiny_model), {"role": "user", "content": "And now?"}
    chats = [[ask, {"role": "assistant", "content": f"answer {n} " * (1 + n % 20)}] for n in range(400)]
    alone = [chat_sequence(chat, tokenizer, 512) for chat in chats]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda chat: chat_sequence(chat, tokenizer, 512), chats))
    finally:
        sys.setswitchinterval(usual)
    assert together == alone and all(sequence.has_trained_tokens for sequence in alone)
