"""The pages as the site has them: the repository's, and those that are made from the code.

python docs/publish/stage.py build/pages build/viewer

README.md becomes the first page. Links that leave docs/ lead to copies in the site. What draws
the API pages is fetched into the second folder, once.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import reference
import viewer

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def stage(into: Path, kept: Path) -> None:
    """Write everything that the site is built from; what was there before is removed."""
    shutil.rmtree(into, ignore_errors=True)
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        _write(into / place(page), moved(page, into))
    for name, text in reference.pages().items():
        _write(into / "reference" / name, text)
    for name, body in (reference.files() | viewer.pages(kept)).items():
        (into / "reference" / name).parent.mkdir(exist_ok=True)
        (into / "reference" / name).write_bytes(body)


def place(file: Path) -> Path:
    """Where a file of the repository is in the site."""
    if file == ROOT / "README.md":
        return Path("index.md")
    if file.is_relative_to(DOCS):
        return file.relative_to(DOCS)
    kind = "project" if file.parent == ROOT and file.suffix == ".md" else "files"
    return Path(kind) / file.relative_to(ROOT)


def moved(page: Path, into: Path) -> str:
    """The page's text with links that are right where it will be; copies what they lead to."""

    def link(match: re.Match[str]) -> str:
        mark, text, address = match.groups()
        path, hash_, anchor = address.partition("#")
        if re.match(r"https?:|mailto:", address) or not path:
            return match[0]
        target = (page.parent / path).resolve()
        if target.is_dir():
            return text
        new = place(target)
        if target.suffix != ".md":
            (into / new).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(target, into / new)
        return f"{mark}[{text}]({os.path.relpath(new, place(page).parent)}{hash_}{anchor})"

    parts = _FENCE.split(page.read_text("utf-8"))
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


if __name__ == "__main__":
    stage(Path(sys.argv[1]), Path(sys.argv[2]))
