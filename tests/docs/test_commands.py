"""Every command that a reader would type is typed here, against the real service."""

import os
import re
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, README, Fence, fences
from tests.service_process import free_port

WITHIN_S = 240  # far more than they take, for busy machines
BIN = Path(sys.executable).parent

# The page's service is the one behind `serve`; curl fails where the answer is a refusal.
PRELUDE = r"""
set -eo pipefail
service=
until_true() {
  for _ in $(seq 900); do
    ! "$@" >/dev/null 2>&1 || return 0
    kill -0 "$service" || break
    sleep 0.05
  done
  cat service.log
  return 1
}
leave() { [ -z "$service" ] || { kill "$service"; wait "$service"; }; service=; }
serving=
serve() {
  [ -z "$service" ] || [ "$*" != "$serving" ] || return 0
  leave
  serving="$*"
  "$@" >>service.log 2>&1 &
  service=$!
  until_true curl "http://127.0.0.1:$SCOREBOARD_PORT/readyz"
}
demo() {
  serve "$BIN/scoreboard" demo --players 2 --port "$SCOREBOARD_PORT"
  until_true grep Bearer service.log
  TOKEN=$(sed -n "s/.*Bearer \([^ ]*\)'.*/\1/p" service.log)
}
behind() {
  "$@" >>behind.log 2>&1 &
  until_true bash -c "</dev/tcp/127.0.0.1/$BESIDE_PORT"
}
trap 'leave; kill $(jobs -p) 2>/dev/null || true' EXIT
"""
# What runs for ever, or is another test's work, and what stands for it.
INSTEAD = (
    (r"make demo", "demo"),
    (r"make test", ":"),
    (r"scoreboard serve\b", "serve scoreboard serve"),
    (r"scoreboard watch\b", "scoreboard watch --frames 1"),
    (r"python (backend\.py$|-m http\.server)", r"behind python \1"),
)


NAMED = re.compile(r"(?:#|<!--) (\w+\.(?:py|html))\b")
# The pages of a group are played in one folder, beside one service, as one reader would.
GROUPS = {"tutorials": tuple(sorted(DOCS.glob("tutorials/*.md")))} | {
    page.stem: (page,) for page in sorted(DOCS.glob("how-to/*.md"))
}


def played(text: str, port: int, beside: int = 0) -> str:
    """A block as a test can run it."""
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    if beside:
        text = re.sub(r"(127\.0\.0\.1(?::| |\", ))900[01]\b", rf"\g<1>{beside}", text)
    for pattern, instead in INSTEAD:
        text = re.sub(rf"^{pattern}", instead, text, flags=re.MULTILINE)
    return text


def script(blocks: list[Fence], port: int) -> str:
    parts = [
        f"echo 'line {block.line}' >place\n{{\n{played(block.text, port)}}} >out.{block.line} 2>&1"
        for block in blocks
    ]
    return "\n".join([PRELUDE, *parts])


def run(script_text: str, folder: Path, port: int) -> None:
    environ = os.environ | {
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "BIN": str(BIN),
        "HOME": str(folder),
        "SCOREBOARD_PORT": str(port),
    }
    shell = subprocess.Popen(
        ["bash", "-c", script_text],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = shell.communicate(timeout=WITHIN_S)
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)  # a group of our own
            shell.wait()
    if shell.returncode:
        place = (folder / "place").read_text().strip()
        printed = (folder / place.replace("line ", "out.")).read_text()
        pytest.fail(f"{place}:\n{printed}\n{said}")


def agrees(expected: str, printed: str) -> bool:
    """Whether some printed line has the pieces of an expected one in order; … is anything."""
    pattern = ".*".join(map(re.escape, expected.split("…")))
    return re.search(pattern, printed) is not None


def saved(block: Fence, port: int, beside: int) -> str:
    """A block that the reader saves as the file that its first line names."""
    name = NAMED.match(block.text)
    assert name, f"line {block.line}: the first line says which file it is"
    return f"cat >{name[1]} <<'SAVED'\n{played(block.text, port, beside)}SAVED\n"


def tutorial(page: Path, port: int, beside: int) -> str:
    parts = ["serve scoreboard serve"]  # unless a page before it has left another one running
    for block in fences(page):
        if block.language in {"python", "html"}:
            parts.append(saved(block, port, beside))
        if block.language == "sh":
            place = f"line {page.stem}.{block.line}"
            text = played(block.text, port, beside)
            parts.append(f"echo '{place}' >place\n{{\n{text}}} >out.{page.stem}.{block.line} 2>&1")
    return f"export BESIDE_PORT={beside}\n" + "\n".join(parts)


@pytest.mark.parametrize("pages", GROUPS.values(), ids=GROUPS.keys())
def test_tutorials_work_and_print_what_they_say(pages: tuple[Path, ...], tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text("silent\nshow-error\nfail\n")
    port = free_port()
    parts = [tutorial(page, port, free_port()) for page in pages]
    path = f'PATH="{BIN}:$PATH"'
    run("\n".join([PRELUDE, path, *parts]), tmp_path, port)
    for page in pages:
        for before, after in pairwise(fences(page)):
            if before.language == "sh" and after.language == "text" and after.follows:
                printed = (tmp_path / f"out.{page.stem}.{before.line}").read_text()
                for line in after.text.splitlines():
                    assert agrees(line, printed), f"{page.name}:{after.line}: {line}\n{printed}"


@pytest.mark.parametrize("page", [README, DOCS / "start.md"], ids=["README", "start"])
def test_commands_work_and_print_what_the_page_says(page: Path, tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text("silent\nshow-error\nfail\n")
    activate = tmp_path / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f'PATH="{BIN}:$PATH"\n')
    found = fences(page)
    blocks = [fence for fence in found if fence.language == "sh"]
    port = free_port()
    run(script(blocks, port), tmp_path, port)
    for before, after in pairwise(found):
        if before.language == "sh" and after.language == "text" and after.follows:
            printed = (tmp_path / f"out.{before.line}").read_text()
            for line in after.text.splitlines():
                assert agrees(line, printed), f"{page.name}:{after.line}: {line}\n{printed}"


def test_no_command_of_the_other_pages_is_left_out() -> None:
    with_commands = {
        page.name
        for page in DOCS.glob("*.md")
        if any(fence.language == "sh" for fence in fences(page))
    }
    assert with_commands - {"measure.md"} == {"start.md"}
