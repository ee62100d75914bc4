#!/bin/sh
# Writes the lock files, each agreeing with the one before it: all platforms, hashes, no index address.
set -eu
uv=${1:?usage: lock.sh path/to/uv}

lock() {
  name=$1
  shift
  "$uv" pip compile pyproject.toml --group build "$@" \
    --universal --python-version 3.11 --generate-hashes --upgrade --quiet \
    --no-emit-index-url --no-header --no-annotate \
    --output-file "requirements/$name.txt"
}

lock run
lock full --extra postgres --extra redis --extra kafka --extra otel --constraint requirements/run.txt
lock dev --extra dev --extra postgres --extra redis --extra kafka --extra otel --constraint requirements/full.txt
lock bench --extra bench --extra postgres --extra redis --extra kafka --constraint requirements/dev.txt
