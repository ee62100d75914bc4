"""What a newcomer meets: an installed wheel, a demo that explains itself, help, completion."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import urllib.request
import zipfile
from pathlib import Path

import pytest

from scoreboard.cli import application, demo
from tests.service_process import Service, eventually, free_port

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "scoreboard"
# What else goes into the package, and where (``force-include`` of pyproject.toml).
DEPLOYED = {"deploy/grafana/dashboards": "dashboards", "deploy/prometheus/rules": "rules"}
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel holds, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("wheel")
    # A copy: the build leaves files beside its sources, where other tests look.
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE, folder / "src" / "scoreboard", ignore=unwanted)
    for name in DEPLOYED:
        shutil.copytree(ROOT / name, folder / name)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder)]
    run(*pip, *options, str(folder), cwd=folder)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def run(*command: str, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_everything_that_the_package_has(installed: Path) -> None:
    ours = {file.relative_to(SOURCE) for file in SOURCE.rglob("*") if file.is_file()}
    ours = {file for file in ours if "__pycache__" not in file.parts}
    for name, place in DEPLOYED.items():
        files = [file for file in (ROOT / name).rglob("*") if file.is_file()]
        ours |= {Path(place) / file.relative_to(ROOT / name) for file in files}
    package = installed / "scoreboard"
    assert {file.relative_to(package) for file in package.rglob("*") if file.is_file()} == ours
    assert {".sql", ".lua", ".html", ".js", ".css", ".typed"} <= {
        file.suffix or file.name for file in ours
    } | {".typed"}
    entry = next(installed.glob("*.dist-info/entry_points.txt")).read_text("utf-8")
    assert "scoreboard = scoreboard.cli:main" in entry


def test_the_demo_of_the_wheel_runs_in_an_empty_folder_and_explains_itself(
    installed: Path, tmp_path: Path
) -> None:
    where = "import scoreboard; print(scoreboard.__file__)"
    command = (sys.executable, "-m", "scoreboard", "demo", "--seconds", "0.5", "--players", "1")
    assert run(sys.executable, "-c", where, cwd=tmp_path, PYTHONPATH=str(installed)).startswith(
        str(installed)
    )
    port = str(free_port())
    said = run(*command, "--port", port, cwd=tmp_path, PYTHONPATH=str(installed), COLUMNS="200")
    assert f"http://127.0.0.1:{port}" in said
    assert re.search(r"-H 'Authorization: Bearer [\w-]+\.[\w-]+\.[\w-]+'", said)
    assert "<score-board>" in said
    assert "demo --origins https://quiz.example" in said
    assert f"look behind it, at http://127.0.0.1:{port}/admin" in said
    assert f"{sys.executable} -m scoreboard watch --url http://127.0.0.1:{port}" in said
    assert list(tmp_path.iterdir()) == []


def test_an_installed_wheel_serves_its_page_from_an_environment_of_its_own(
    installed: Path, tmp_path: Path
) -> None:
    venv, here = tmp_path / "venv", tmp_path / "here"
    here.mkdir()
    run(sys.executable, "-m", "venv", "--without-pip", str(venv), cwd=tmp_path)
    fresh = str(venv / "bin" / "python")
    (wheel,) = installed.parent.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", fresh, "--disable-pip-version-check"]
    run(*pip, "install", "-q", "--no-deps", "--no-index", str(wheel), cwd=here)
    # Only what it depends on is ours: a path file is not followed to the checkout's own.
    others = sysconfig.get_paths()["purelib"]
    site = run(fresh, "-c", "import site; print(site.getsitepackages()[0])", cwd=here).strip()
    (Path(site) / "others.pth").write_text(others)
    where = run(fresh, "-c", "import scoreboard; print(scoreboard.__file__)", cwd=here)
    assert where.startswith(str(venv))
    port = free_port()
    scoreboard = str(venv / "bin" / "scoreboard")
    assert list((Path(where.strip()).parent / "dashboards").glob("*.json"))
    with subprocess.Popen([scoreboard, "serve", "--port", str(port)], cwd=here) as service:
        try:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: answered(f"{url}/readyz"), within_s=60)
            for path in ("/", "/admin", "/static/score-board.js", "/openapi.json"):
                assert answered(url + path), path
            run(scoreboard, "action", "set", "win", "5", cwd=here)
            said = run(scoreboard, "award", "ada", "win", cwd=here, SCOREBOARD_PORT=str(port))
            assert "ada now has 5 points." in said
        finally:
            service.terminate()
    assert service.returncode == 0


def answered(url: str) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            found: bytes = answer.read()
            return found
    except OSError:
        return None


def test_whoever_finds_no_service_or_no_board_is_told_what_to_do(service: Service) -> None:
    nowhere = service.command("top", "--url", f"http://127.0.0.1:{free_port()}", check=False)
    assert nowhere.returncode == 1
    assert "Start one with `scoreboard serve`, or give the --url of yours." in nowhere.stderr
    for command in ("top", "watch"):
        unknown = service.command(command, "--board", "chess", "--url", service.url, check=False)
        assert unknown.returncode == 1
        assert "no board chess" in unknown.stderr
        assert "`scoreboard board list`" in unknown.stderr


@pytest.mark.parametrize(
    ("program", "path", "told"),
    [
        ("bin/scoreboard", "bin", "scoreboard"),
        ("bin/scoreboard", "nowhere", "bin/scoreboard"),
        ("../bin/scoreboard", "nowhere", "{outside}/bin/scoreboard"),
        ("pkg/__main__.py", "nowhere", f"{sys.executable} -m scoreboard"),
    ],
)
def test_a_command_that_the_demo_names_can_be_pasted(
    program: str, path: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    for folder in (here, tmp_path):
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "scoreboard").touch(mode=0o755)
    monkeypatch.chdir(here)
    monkeypatch.setenv("PATH", str(here / path))
    monkeypatch.setattr(sys, "argv", [program])
    assert demo.own_command() == told.format(outside=tmp_path)


COMPLETE = """
. "$HOME/.local/share/bash-completion/completions/scoreboard"
COMP_WORDS=({words} "")
COMP_CWORD={at}
COMP_LINE="{words} "
COMP_POINT=${{#COMP_LINE}}
$(complete -p scoreboard | sed 's/.*-F \\([^ ]*\\).*/\\1/') scoreboard "" "{last}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


WORDS = {"scoreboard": {"serve", "award", "watch"}, "scoreboard action": {"set", "list", "import"}}


def test_tab_completes_in_bash(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "SHELL": "/bin/bash"}
    run(str(BIN / "scoreboard"), "--install-completion", "--shell", "bash", cwd=tmp_path, **home)
    for words, offered in WORDS.items():
        parts = words.split()
        script = COMPLETE.format(words=words, at=len(parts), last=parts[-1])
        assert offered <= set(run("bash", "-c", script, cwd=tmp_path, **home).split())


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_that_they_can_read(shell: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(application([]).generate_completion(shell=shell), "utf-8")
    for command in ("serve", "award", "watch"):
        assert command in script.read_text("utf-8")
    if shutil.which(shell):
        run(shell, "-n", str(script), cwd=tmp_path)
