"""Container limits, written as Linux shows them: cgroups version 1 and 2, seen from inside and from outside."""

from types import SimpleNamespace

import pytest

from finetune.machine import limits
from finetune.machine.limits import cores, free_memory_bytes, granted_cores, memory_bytes

MIB = 2**20
DOCKER_1 = "4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n1:name=systemd:/docker/ab\n0::/docker/ab\n"
POD = "0::/kubepods.slice/pod1/ab\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Writes the groups of a machine of 64 cores and 1,000 MiB, 900 of them available, and returns its root."""
    monkeypatch.setattr(limits, "visible_cores", lambda: 64)
    memory = SimpleNamespace(total=1000 * MIB, available=900 * MIB)
    monkeypatch.setattr(limits.psutil, "virtual_memory", lambda: memory)

    def write(own: str | None, files: dict[str, str]):
        texts = {"proc/self/cgroup": own} if own is not None else {}
        for name, text in (texts | {f"sys/fs/cgroup/{name}": text for name, text in files.items()}).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("own", "files", "granted"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "5000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {}, None),
        (None, {"cpu.max": "300000 100000\n"}, 3),
        (None, {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        (POD, {"kubepods.slice/pod1/ab/cpu.max": "max 100000\n", "kubepods.slice/pod1/cpu.max": "400000 100000\n"}, 4),
        (POD, {"kubepods.slice/pod1/ab/cpu.max": "800000 100000\n", "kubepods.slice/cpu.max": "700000 100000\n"}, 7),
        (POD, {"kubepods.slice/other/cpu.max": "100000 100000\n", "cpu.max": "500000 100000\n"}, 5),
        (DOCKER_1, {"cpu,cpuacct/cpu.cfs_quota_us": "200000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}, 2),
        (DOCKER_1, {"cpu/docker/ab/cpu.cfs_quota_us": "50000\n", "cpu/docker/ab/cpu.cfs_period_us": "20000\n"}, 3),
        (DOCKER_1, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
    ],
)
def test_a_quota_of_the_own_group_or_one_above_counts_rounded_up(machine, own, files, granted):
    root = machine(own, files)
    assert granted_cores(root) == granted
    assert cores(root) == (granted or 64)


def test_a_quota_above_the_visible_cores_adds_none(machine, monkeypatch):
    monkeypatch.setattr(limits, "visible_cores", lambda: 4)
    assert cores(machine("0::/\n", {"cpu.max": "800000 100000\n"})) == 4


@pytest.mark.parametrize(
    ("own", "files", "limit", "free"),
    [
        ("0::/\n", {"memory.max": "max\n", "memory.current": "1\n"}, 1000, 900),
        ("0::/\n", {"memory.max": f"{600 * MIB}\n", "memory.current": f"{100 * MIB}\n"}, 600, 500),
        (
            POD,
            {
                "kubepods.slice/pod1/ab/memory.max": "max\n",
                "kubepods.slice/pod1/ab/memory.current": f"{MIB}\n",
                "kubepods.slice/pod1/memory.max": f"{500 * MIB}\n",
                "kubepods.slice/pod1/memory.current": f"{400 * MIB}\n",
                "kubepods.slice/pod1/memory.stat": f"anon {100 * MIB}\ninactive_file {250 * MIB}\nactive_file 7\n",
            },
            500,
            350,
        ),
        (
            DOCKER_1,
            {
                "memory/memory.limit_in_bytes": f"{300 * MIB}\n",
                "memory/memory.usage_in_bytes": f"{290 * MIB}\n",
                "memory/memory.stat": f"inactive_file 0\ntotal_inactive_file {90 * MIB}\n",
            },
            300,
            100,
        ),
        ("0::/\n", {"memory.max": f"{100 * MIB}\n", "memory.current": f"{101 * MIB}\n"}, 100, 0),
        (DOCKER_1, {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 1000, 900),
    ],
)
def test_memory_is_limited_by_the_own_group_or_one_above_and_file_cache_counts_as_free(
    machine, own, files, limit, free
):
    root = machine(own, files)
    assert memory_bytes(root) == limit * MIB
    assert free_memory_bytes(root) == free * MIB


def test_without_groups_there_are_no_limits(tmp_path):
    assert granted_cores(tmp_path) is None
    assert cores(tmp_path) == limits.visible_cores() >= 1
    assert 0 < free_memory_bytes(tmp_path) < memory_bytes(tmp_path)


def test_this_process_has_a_core_and_memory():
    assert 1 <= cores() <= limits.visible_cores()
    assert 0 < free_memory_bytes() < memory_bytes()
