"""It is promised that what is installed is listed with hashes, and looked up or said not to be."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
NOWHERE = "http://127.0.0.1:1"


def sbom(folder: Path) -> str:
    subprocess.run([sys.executable, ROOT / "requirements/sbom.py"], cwd=folder, check=True)
    return (folder / "dist/sbom.json").read_text()


def test_the_list_of_what_runs_is_the_lock_file_and_nothing_else(tmp_path: Path) -> None:
    for name in ("requirements", "pyproject.toml", "src", "README.md", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    written = sbom(tmp_path)
    assert sbom(tmp_path) == written
    lock = (ROOT / "requirements/run.txt").read_text()
    components = json.loads(written)["components"]
    listed = {f"{each['name']}=={each['version']}" for each in components}
    assert listed == set(re.findall(r"^[a-zA-Z0-9._-]+==[^ ;\\]+", lock, re.MULTILINE))
    assert set(re.findall(r"[0-9a-f]{64}", written)) == set(re.findall(r"[0-9a-f]{64}", lock))
    assert not [host for host in ("pypi", "pythonhosted") if f"{host}.org" in written]
    assert str(tmp_path) not in written


def test_an_audit_that_cannot_reach_its_feed_says_so_and_fails(tmp_path: Path) -> None:
    lock = tmp_path / "one.txt"
    lock.write_text("h11==0.16.0 --hash=sha256:" + "0" * 64 + "\n")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
    done = subprocess.run(
        ["sh", ROOT / "requirements/audit.sh", PROGRAMS / "pip-audit", lock],
        env={**os.environ, **proxies, "no_proxy": "", "NO_PROXY": "", "XDG_CACHE_HOME": tmp_path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "NOT AUDITED" in done.stderr
    assert "no known weakness" not in done.stdout
