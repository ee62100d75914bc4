#!/bin/sh
# Signs an action for Scoreboard with an Ed25519 key, in any shell, with nothing but openssl 3.
#
#   sh sign.sh KEY FILE AUDIENCE USER ACTION
#
# prints the value of an Action-Signature. FILE is what `scoreboard key new KEY` wrote. It belongs
# on your backend, which saw the action. Sent again, a signature is the same award.
set -eu

[ $# -eq 5 ] || { echo "usage: sh sign.sh KEY FILE AUDIENCE USER ACTION" >&2; exit 2; }
key=$1 file=$2 audience=$3 user=$4 action=$5
ts=${TS:-$(date +%s)}                   # TS and NONCE are for known answers only
nonce=${NONCE:-$(openssl rand -hex 16)}

umask 077
message=$(mktemp)                       # openssl signs files with Ed25519, never pipes
trap 'rm -f "$message" "$message.sig"' EXIT
printf '%s\n' SCOREBOARD-ACTION-V1 "$audience" "$key" "$ts" "$nonce" "$user" "$action" >"$message"
openssl pkeyutl -sign -rawin -inkey "$file" -in "$message" -out "$message.sig"
proof=$(openssl base64 -A -in "$message.sig" | tr '+/' '-_' | tr -d '=')

printf 'key=%s,ts=%s,nonce=%s,v1=%s\n' "$key" "$ts" "$nonce" "$proof"
