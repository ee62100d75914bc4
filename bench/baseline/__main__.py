"""Runs the baseline in one process."""

import argparse
import os

import uvicorn


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.baseline", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--variant", choices=("sqlalchemy", "one-hop"), default="sqlalchemy")
    asked = parser.parse_args()
    os.environ["BASELINE_VARIANT"] = asked.variant
    uvicorn.run(
        "bench.baseline.app:app",
        host="127.0.0.1",
        port=asked.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
