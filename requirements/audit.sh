#!/bin/sh
# Looks for known weaknesses in what is locked. Exit code 0 means: each package was looked up, none has one.
set -u
audit=${1:?usage: audit.sh path/to/pip-audit [file...]}
shift
[ $# -gt 0 ] || set -- requirements/full.txt requirements/dev.txt requirements/bench.txt

worst=0
for file; do
  # --strict: without it a package that the feed does not answer for is passed over in silence.
  if "$audit" --strict --require-hashes --disable-pip --progress-spinner off --requirement "$file"; then
    echo "$file: each package was looked up; no known weakness."
  else
    echo "$file: NOT SOUND, or NOT AUDITED because the feed does not answer: see the lines above." >&2
    worst=1
  fi
done
exit $worst
