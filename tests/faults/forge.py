"""Processes that train a run and can be killed, each forked from one that has loaded the libraries.

python -m tests.faults.forge WORKSPACE        reads the id of a run per line, trains it, prints pid and exit status
"""

import os
import subprocess
import sys
from pathlib import Path

from finetune.paths import PROJECT
from finetune.runs.workspace import Workspace


class Forge:
    """Starts trainers in ``workspace``, one at a time."""

    def __init__(self, workspace: Workspace):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.faults.forge", str(workspace.path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._server = subprocess.Popen(command, cwd=PROJECT, env=environment, **pipes)
        assert self._server.stdout.readline() == "ready\n"

    def start(self, run) -> int:
        """The pid of a process that trains the queued ``run``."""
        self._server.stdin.write(f"{run.id}\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def wait(self) -> int:
        """The exit code of the process started last: 0, or minus the signal."""
        return os.waitstatus_to_exitcode(int(self._server.stdout.readline()))

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait()


def main() -> None:
    from finetune.machine import libraries
    from finetune.service.worker import work

    workspace = Workspace(Path(sys.argv[1]))
    libraries.load()
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            work(workspace.run(line.strip()), workspace)
            os._exit(0)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


if __name__ == "__main__":
    main()
