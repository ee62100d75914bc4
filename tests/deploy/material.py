"""The files that deploy the service, as tests read them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.front import ROOT

BIN = Path(sys.executable).parent
DEPLOY = ROOT / "deploy"
COMPOSE = ROOT / "compose.yaml"
CONTAINERFILE = ROOT / "Containerfile"
KUSTOMIZATION = DEPLOY / "kubernetes" / "kustomization.yaml"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNIT = DEPLOY / "systemd" / "scoreboard.service"
NODES = ("node1", "node2", "node3")


def run(*command: str | Path, **env: str) -> str:
    """What it says; fails when it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **env}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def document(path: Path) -> dict[str, Any]:
    """A file of one YAML document."""
    read: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return read


def objects() -> Iterator[dict[str, Any]]:
    for manifest in MANIFESTS:
        if manifest != KUSTOMIZATION:
            yield from yaml.safe_load_all(manifest.read_text("utf-8"))


def pods() -> Iterator[dict[str, Any]]:
    for each in objects():
        if each["kind"] in {"Deployment", "Job"}:
            yield each["spec"]["template"]["spec"]


def instructions() -> list[tuple[str, str]]:
    """The Containerfile, an instruction a line."""
    lines = [line for line in CONTAINERFILE.read_text("utf-8").splitlines() if line]
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", "")
    split = (line.split(maxsplit=1) for line in text.splitlines())
    return [(name, rest) for name, rest in split]


def environments() -> Iterator[tuple[str, dict[str, str]]]:
    """What each file says of ``SCOREBOARD_*``, and under which name."""
    image = next(rest for name, rest in instructions() if name == "ENV" and "DATA" in rest)
    yield "image", dict(pair.split("=", 1) for pair in image.split() if "SCOREBOARD_" in pair)
    unit = [line.partition("=")[2] for line in lines_of(UNIT) if line.startswith("Environment=")]
    yield "systemd", dict(line.split("=", 1) for line in unit)
    yield "compose", document(COMPOSE)["services"]["node1"]["environment"]
    (generated,) = document(KUSTOMIZATION)["configMapGenerator"]
    yield "kubernetes", dict(line.split("=", 1) for line in generated["literals"])
    for number, pod in enumerate(pods()):
        (container,) = pod["containers"]
        yield f"pod-{number}", {each["name"]: each["value"] for each in container["env"]}


def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()
