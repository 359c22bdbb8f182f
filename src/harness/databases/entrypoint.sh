#!/bin/sh
# Entry point of the local PostgreSQL image. Honours POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and PGDATA as the official image does.
# The data directory is a copy of one that initdb made when the image was built, so the first start takes no second.
set -eu

: "${POSTGRES_USER:=postgres}"
: "${POSTGRES_DB:=$POSTGRES_USER}"
: "${PGDATA:=/pgdata/data}"
export PGDATA

quoted() { printf '%s' "$1" | sed "s/$2/$2$2/g"; }

prepare() {
    : "${POSTGRES_PASSWORD:?is not set: it is the password of the superuser}"
    mkdir -p "$PGDATA"
    cp -R /opt/cluster/. "$PGDATA/"
    chmod 700 "$PGDATA"
    printf 'local all all scram-sha-256\nhost all all all scram-sha-256\n' >"$PGDATA/pg_hba.conf"
    printf "listen_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
    role="\"$(quoted "$POSTGRES_USER" '"')\""
    password="'$(quoted "$POSTGRES_PASSWORD" "'")'"
    {
        [ "$POSTGRES_USER" = postgres ] || printf 'CREATE ROLE %s SUPERUSER LOGIN;\n' "$role"
        printf 'ALTER ROLE %s PASSWORD %s;\n' "$role" "$password"
        [ "$POSTGRES_DB" = postgres ] || printf 'CREATE DATABASE "%s" OWNER %s;\n' "$(quoted "$POSTGRES_DB" '"')" "$role"
    } | postgres --single -c fsync=off postgres >/dev/null
}

[ "${1#-}" = "${1:-}" ] || set -- postgres "$@" # only options were given
if [ "${1:-}" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    prepare
fi
exec "$@"
