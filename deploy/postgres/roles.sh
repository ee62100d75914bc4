#!/bin/sh
# Runs once, in a new database: the role of the service, which owns nothing. `scoreboard migrate
# --grant scoreboard_node` gives it the rights that it needs.
set -eu
psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 \
  --set password="$(cat "${SECRETS:-/run/secrets}/scoreboard_node.password")" \
  --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE scoreboard_node LOGIN PASSWORD :'password';
SQL
