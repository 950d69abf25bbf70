from dataclasses import replace

from finetune.machine import host


def test_this_machine_is_itself_in_every_process_and_says_no_secret():
    import subprocess
    import sys

    program = "from finetune.machine import host; print(host.here().kernel, host.here().installation)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    here = host.here()
    assert done.stdout.split() == [here.kernel, here.installation] and here.name
    for path in (host.KERNEL, host.MACHINE):
        if path.is_file() and path.read_text().strip():
            assert path.read_text().strip() not in str(here.to_dict())


def test_a_container_and_a_restart_are_the_same_machine_and_another_one_is_not():
    here = host.Host("a", "kernel", "installation")
    assert here.is_same(replace(here, name="container", installation="of its own"))
    assert here.is_same(replace(here, kernel="after a restart"))
    assert not here.is_same(host.Host("a", "another", "of its own"))


def test_where_linux_names_neither_the_name_in_the_network_decides(monkeypatch, tmp_path):
    monkeypatch.setattr(host, "KERNEL", tmp_path / "none")
    monkeypatch.setattr(host, "MACHINE", tmp_path / "none")
    found = []
    for name in ("a", "a", "b"):
        monkeypatch.setattr("platform.node", lambda name=name: name)
        found.append(host.here.__wrapped__())
    assert found[0].is_same(found[1]) and not found[0].is_same(found[2])
