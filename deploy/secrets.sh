#!/bin/sh
# Makes the secrets of compose.yaml in a folder, once; what is there stays. Run it as root: each
# file belongs to the one user, inside the containers, who reads it.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
scoreboard=10001
postgres=999
grafana=472

mkdir -p "$folder"
cd "$folder"

random() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

secret() { # NAME OWNER: what comes in becomes the file, unless there is one
  [ -e "$1" ] && return
  cat > "$1.new"
  chown "$2" "$1.new"
  chmod 0400 "$1.new"
  mv "$1.new" "$1"
}

url() { # ROLE: the settings file of a node or of the migration
  printf 'ledger = "postgresql://%s:%s@postgres:5432/scoreboard"\n' "$1" "$(cat "$1.password")"
}

random | secret secret "$scoreboard"
openssl genpkey -algorithm ed25519 | secret checkpoint-key "$scoreboard"
random | secret scoreboard_owner.password "$postgres"
random | secret scoreboard_node.password "$postgres"
random | secret grafana.password "$grafana"
url scoreboard_owner | secret migrate.toml "$scoreboard"
url scoreboard_node | secret scoreboard.toml "$scoreboard"
echo "The secrets are in $(pwd)."
