#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, and a token for each person named:
#
#   sh deploy/docker/make-secrets.sh alice@example.com bob@example.com
#
# What is there already stays as it is. A person's token is printed once; only its SHA-256 is kept.
set -eu

folder="${SECRETS_DIR:-$(dirname "$0")/secrets}"
tokens="$folder/tokens.yaml"

if [ "$#" -eq 0 ] && [ ! -s "$tokens" ]; then
  echo "usage: $0 PERSON…: name at least one person who may vote, such as alice@example.com" >&2
  exit 2
fi
for person in "$@"; do
  case "$person" in
    *[!A-Za-z0-9.@_+-]* | "") echo "$0: '$person' cannot be used: want a name such as alice@example.com" >&2; exit 2 ;;
  esac
done

random() {
  od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'
}

# The folder keeps others out. The files are readable, since each container reads them as a user of its own.
umask 077
mkdir -p "$folder"
umask 022

secret() {
  if [ ! -s "$folder/$1" ]; then
    printf '%s' "$2" >"$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
    echo "made $folder/$1"
  fi
}

for name in postgres_password proof_salt proofd_token webhook_token api_token; do
  secret "$name" "$(random)"
done
secret bridge_secret "k1:$(random)"

for person in "$@"; do
  if [ -e "$tokens" ] && grep -qiF "actor: \"$person\"" "$tokens"; then
    echo "$person has a token already: remove the line from $tokens first to make a new one"
    continue
  fi
  token="$(random)"
  hash="$(printf '%s' "$token" | sha256sum | cut -c1-64)"
  echo "\"$hash\": {actor: \"$person\", scopes: [read, vote, override]}" >>"$tokens"
  echo "token of $person: $token"
done
