"""What cannot be built here is at least consistent: Dockerfile, requirements, scripts and the header of the Space."""

import ast
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from finetune.paths import PROJECT
from tests.browser import app

DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
REQUIREMENTS = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
TEST_REQUIREMENTS = (PROJECT / "tests" / "requirements.txt").read_text(encoding="utf-8").splitlines()
PIN = re.compile(
    r"(?P<name>[A-Za-z0-9_.-]+)==(?P<version>[0-9.]+)(; platform_system != \"Windows\")? +# (?P<why>.+)|pytest==.*"
)

NOT_IMPORTED = {"pandas", "Authlib"}
"""Needed by what we import, and pinned because they decide the result: see their reasons."""

EXTRAS = {"lm_eval", "mlflow", "wandb"}
"""What a person installs for one command or one setting alone; without it, that says so."""

IMPORT_NAMES = {
    "PyYAML": "yaml",
    "Jinja2": "jinja2",
    "charset-normalizer": "charset_normalizer",
    "markdown-it-py": "markdown_it",
}


def lines_of(requirements):
    return [line for line in requirements if line and not line.startswith("#")]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def arguments(instruction: str) -> list[str]:
    return [argument for name, argument in instructions() if name == instruction]


def environment() -> dict[str, str]:
    return dict(setting.split("=", 1) for line in arguments("ENV") for setting in line.split())


def test_the_dockerfile_uses_known_instructions_and_a_fixed_base():
    known = {"FROM", "RUN", "USER", "WORKDIR", "ENV", "COPY", "VOLUME", "EXPOSE", "CMD"}
    assert {name for name, _ in instructions()} <= known
    (base,) = arguments("FROM")
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", base)


def test_each_copied_file_exists_and_is_not_ignored():
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    for copy in arguments("COPY"):
        owner, *sources, _ = copy.split()
        assert owner == "--chown=1000"
        for source in sources:
            assert (PROJECT / source).exists(), source
            assert f"!{source.rstrip('/')}" in ignored


def test_the_image_runs_as_a_space_wants_it():
    assert "useradd --create-home --uid 1000 user" in arguments("RUN")[0]
    assert arguments("USER") == ["1000"]
    assert arguments("EXPOSE") == ["7860"]
    assert arguments("VOLUME") == ["/data"]
    assert arguments("CMD") == ['["python", "app.py"]'] and (PROJECT / "app.py").is_file()
    settings = environment()
    assert settings["SYSTEM"] == "spaces"
    assert (settings["GRADIO_SERVER_NAME"], settings["GRADIO_SERVER_PORT"]) == ("0.0.0.0", "7860")
    assert settings["GRADIO_ANALYTICS_ENABLED"] == "False"


@pytest.mark.skipif(sys.platform == "win32", reason="hadolint has no wheel for Windows")
def test_hadolint_finds_nothing():
    hadolint = shutil.which("hadolint", path=Path(sys.executable).parent)
    assert hadolint, "hadolint is in tests/requirements.txt"
    done = subprocess.run([hadolint, "--no-color", PROJECT / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def is_ignored(path: str) -> bool:
    """Whether .dockerignore leaves ``path`` out: the last pattern for the path or a folder above it decides."""
    parts, found = Path(path).parts, False
    names = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if any(fnmatch(name, pattern) or fnmatch(f"/{name}", pattern.replace("**", "*")) for name in names):
            found = not line.startswith("!")
    return found


def test_each_file_that_the_program_opens_is_in_the_image():
    named = re.compile(r'\bASSETS((?: / "[^"]+")+)')
    opened = {
        "/".join(["assets", *re.findall(r'"([^"]+)"', match)])
        for path in (PROJECT / "finetune").rglob("*.py")
        for match in named.findall(path.read_text(encoding="utf-8"))
    }
    assert len(opened) > 8 and {"assets/starter", "assets/train.py.txt", "assets/studio.css"} <= opened
    assert [each for each in sorted(opened) if not (PROJECT / each).exists() or is_ignored(each)] == []
    code = [path.relative_to(PROJECT).as_posix() for path in (PROJECT / "finetune").rglob("*.py")]
    assert [each for each in [*code, "app.py", "requirements.txt"] if is_ignored(each)] == []
    left_out = ("README.md", "tests/conftest.py", ".git/config", "workspace/runs/a", "assets/screenshots/data.png")
    assert [each for each in left_out if not is_ignored(each)] == []
    assert is_ignored("finetune/ui/__pycache__/tab.cpython-311.pyc")


COMPOSE = yaml.safe_load((PROJECT / "assets" / "compose.yaml").read_text(encoding="utf-8"))


def test_compose_is_as_its_specification_wants_it():
    checker = Path(sys.executable).with_name("check-jsonschema")
    words = [checker, "--builtin-schema", "vendor.compose-spec", PROJECT / "assets" / "compose.yaml"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_runs_the_image_as_the_dockerfile_and_the_readme_say():
    plain, gpu = COMPOSE["services"]["studio"], COMPOSE["services"]["studio-gpu"]
    assert plain["ports"] == ["7860:7860"] and arguments("EXPOSE") == ["7860"]
    assert plain["volumes"] == ["finetune-studio:/data"] and arguments("VOLUME") == ["/data"]
    assert COMPOSE["volumes"]["finetune-studio"] == {"name": "finetune-studio"}
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert "-v finetune-studio:/data" in readme and "-v finetune-studio:/data" in DOCKERFILE
    command = "docker compose -f assets/compose.yaml --project-directory . up"
    assert command in readme and command in (PROJECT / "assets" / "compose.yaml").read_text(encoding="utf-8")
    assert (plain["build"], plain["image"]) == (".", "finetune-studio")
    own = {"profiles": ["gpu"], "deploy": gpu["deploy"]}
    assert gpu == plain | own, "the same, with the GPUs"
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


def test_compose_starts_nothing_that_lets_everyone_in():
    given = dict(COMPOSE["services"]["studio"]["environment"])
    assert re.fullmatch(r"\$\{FINETUNE_AUTH:\?.+\}", given.pop("FINETUNE_AUTH")), "without people it does not start"
    assert [value for name, value in given.items() if value != f"${{{name}:-}}"] == [], "no other has a default either"
    asked = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "finetune").rglob("*.py"))
    assert [name for name in given if name != "HF_TOKEN" and f'"{name}"' not in asked] == []


def test_compose_waits_for_a_checkpoint_and_asks_for_health_where_the_page_answers():
    from finetune.door.sign_in import SignIn
    from finetune.service.launcher import GRACE_S

    studio = COMPOSE["services"]["studio"]
    assert float(studio["stop_grace_period"].removesuffix("s")) > GRACE_S
    (path,) = re.findall(r"http://127\.0\.0\.1:7860(/\w+)", studio["healthcheck"]["test"][3])
    assert path in [route.path for route in SignIn(None).routes() if "GET" in route.methods]


@pytest.mark.heavy
def test_the_health_check_of_compose_finds_a_server_well_and_nothing_ill(tmp_path):
    _, python, *words = COMPOSE["services"]["studio"]["healthcheck"]["test"]
    assert python == "python"

    def code(port: str) -> int:
        command = [sys.executable, *(word.replace("127.0.0.1:7860", f"127.0.0.1:{port}") for word in words)]
        return subprocess.run(command, capture_output=True).returncode

    with app(tmp_path, options=("--host", "0.0.0.0"), FINETUNE_AUTH="ada:correct-horse", SYSTEM="spaces") as address:
        port = address.rpartition(":")[2]
        assert code(port) == 0
    assert code(port) != 0


def test_the_header_of_the_readme_makes_a_docker_space():
    _, header, _ = (PROJECT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    space = yaml.safe_load(header)
    assert (space["sdk"], space["app_port"]) == ("docker", 7860)
    assert len(space["short_description"]) <= 60
    assert space["title"] and space["license"] and space["suggested_hardware"]


@pytest.mark.parametrize("line", lines_of(REQUIREMENTS) + lines_of(TEST_REQUIREMENTS))
def test_each_requirement_is_pinned_exactly_and_says_why(line):
    assert PIN.fullmatch(line)


@pytest.mark.parametrize("line", lines_of(REQUIREMENTS))
def test_the_tests_run_on_the_pinned_version(line):
    pin = PIN.fullmatch(line)
    assert version(pin["name"]).split("+")[0] == pin["version"]


def test_what_is_imported_is_required_and_what_is_required_is_imported():
    required = {PIN.fullmatch(line)["name"] for line in lines_of(REQUIREMENTS)}
    names = {IMPORT_NAMES.get(name, name) for name in required - NOT_IMPORTED}
    assert imported() - EXTRAS == names


def imported() -> set[str]:
    """The packages of others that app.py and finetune/ import anywhere."""
    found = set()
    for path in [PROJECT / "app.py", *(PROJECT / "finetune").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"finetune"}


def test_kernels_stays_out():
    assert not [line for line in lines_of(REQUIREMENTS) if line.startswith("kernels")]
    assert any("kernels" in line for line in REQUIREMENTS if line.startswith("#")), "the reason is written down"


def test_the_script_of_the_tests_parses_and_is_what_ci_runs():
    assert subprocess.run(["bash", "-n", PROJECT / "tests" / "run.sh"]).returncode == 0
    lines = (PROJECT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[1:] == ["exec bash tests/run.sh"]
