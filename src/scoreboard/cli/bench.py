"""``scoreboard bench``: the measurements, which live beside the code and not in the package."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from scoreboard.cli.terminal import Failure


def bench(
    *arguments: Annotated[str, Parameter(allow_leading_hyphen=True, help="Parts to run.")],
) -> None:
    """Measure this version; runs `python -m bench` of the checkout it is run from."""
    checkout = _checkout()
    if checkout is None:
        raise Failure(
            "The bench comes with the source, not with the package: clone the repository, and run "
            "`make bench` there."
        )
    done = subprocess.run([sys.executable, "-m", "bench", *arguments], cwd=checkout, check=False)  # noqa: S603 - this program, by a path of its own
    sys.exit(done.returncode)


def _checkout() -> Path | None:
    here = Path(__file__).resolve()
    for folder in (Path.cwd(), here.parents[3]):
        if (folder / "bench" / "__main__.py").is_file() and (folder / "src/scoreboard").is_dir():
            return folder
    return None
