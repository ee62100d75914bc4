# ruff: noqa: INP001 - a script of its own
"""Writes dist/sbom.json: what runs, as CycloneDX; the same bytes for the same lock file."""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path("requirements/run.txt")
WRITTEN = Path("dist/sbom.json")


def main() -> None:
    made = subprocess.run(
        [
            sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", LOCK,
            "--pyproject", "pyproject.toml", "--output-reproducible", "--no-validate",
        ],
        check=False,
        capture_output=True,
    )  # fmt: skip
    if made.returncode:
        sys.exit(made.stderr.decode())
    bom = json.loads(made.stdout)
    # Who made this list is told by name; where a package is fetched from is the installer's choice.
    for tool in bom["metadata"]["tools"]["components"]:
        tool.pop("externalReferences", None)
    for component in bom["components"]:
        del component["description"]
        for reference in component["externalReferences"]:
            reference["url"] = component["purl"]
            del reference["comment"]
    WRITTEN.parent.mkdir(exist_ok=True)
    WRITTEN.write_text(json.dumps(bom, indent=2, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
