#!/usr/bin/env bash
# A throw-away Postgres, and PgBouncer before it, for the tests and for trying things out.
#
#   scripts/postgres.sh find               print the folder of the server's programs; where there is none, or no
#                                          PgBouncer, install them if apt-get can be used
#   scripts/postgres.sh run -- COMMAND...  start a server, run COMMAND with its address, stop and remove the server
#
# COMMAND finds in its environment
#   WHYTRACE_TEST_DATABASE_URL  an empty database, as a role that owns it and has no other rights
#   WHYTRACE_TEST_POOLER_URL    the same database through PgBouncer in transaction mode, as it is installed
#   WHYTRACE_TEST_LAX_POOLER_URL  the same through one that takes and drops settings that it cannot pass on
#   WHYTRACE_TEST_POSTGRES_BIN  the folder of initdb, pg_ctl and the rest, for a test that needs a server of its own
#   WHYTRACE_TEST_POSTGRES_DIR  a folder that belongs to the user who runs the server. It holds `settings.conf` and
#                               the superuser's `password`, for such a server to share. When COMMAND ends, servers
#                               whose data lies in a folder directly under it are stopped, and it is removed
#
# For example: scripts/postgres.sh run -- sh -c 'psql "$WHYTRACE_TEST_DATABASE_URL"'
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "postgres.sh: $*"
    exit 1
}

main() {
    # libpq reads these, and would go to the database of whoever runs the script.
    unset "${!PG@}"
    case "${1:-} ${2:-}" in
    "find ")
        find_or_install
        printf '%s\n' "$bin"
        ;;
    "run --")
        shift 2
        [ $# -gt 0 ] || fail "run -- needs a command"
        find_or_install
        start
        start_poolers
        local database="postgres://whytrace:$password@127.0.0.1"
        env WHYTRACE_TEST_DATABASE_URL="$database:$port/whytrace_test" \
            WHYTRACE_TEST_POOLER_URL="$database:$pooler_port/whytrace_test" \
            WHYTRACE_TEST_LAX_POOLER_URL="$database:$lax_pooler_port/whytrace_test" \
            WHYTRACE_TEST_POSTGRES_BIN="$bin" WHYTRACE_TEST_POSTGRES_DIR="$dir" "$@"
        ;;
    *) fail "usage: scripts/postgres.sh find | scripts/postgres.sh run -- COMMAND..." ;;
    esac
}

# --- the programs ------------------------------------------------------------------------------------------------

find_or_install() {
    bin=$(find_programs)
    if [ -z "$bin" ]; then
        install_server || fail "no Postgres server here: install one (Debian, Ubuntu: apt-get install postgresql;" \
            "macOS: brew install postgresql), or test without it: scripts/test.sh --embedded-only"
        bin=$(find_programs)
        [ -n "$bin" ] || fail "the postgresql package is installed, but its initdb was not found"
    fi
    pgbouncer=$(find_pooler)
    if [ -z "$pgbouncer" ]; then
        # Debian would start one on port 6432; in what it takes for a rescue system it starts nothing.
        install pgbouncer RUNLEVEL=1 || fail "no PgBouncer here: install it (Debian, Ubuntu: apt-get install" \
            "pgbouncer; macOS: brew install pgbouncer), or test without Postgres: scripts/test.sh --embedded-only"
        pgbouncer=$(find_pooler)
    fi
}

find_pooler() {
    local folders=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin
    PATH=$folders command -v pgbouncer || true
}

# Prints the folder that holds all the programs, or nothing. Debian keeps it off PATH; what PATH has may be a link.
find_programs() {
    local on_path='' folder program
    if program=$(command -v initdb); then on_path=$(dirname "$(readlink -f "$program")"); fi
    while read -r folder; do
        for program in initdb pg_ctl postgres psql; do
            [ -x "$folder/$program" ] || continue 2
        done
        printf '%s\n' "$folder"
        return
    done <<<"$on_path
$(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin /Applications/Postgres.app/Contents/Versions/*/bin | sort -rV)"
}

install_server() {
    # Debian would create a cluster and start it on port 5432; this machine is only to have the programs.
    local no_cluster=/etc/postgresql-common/createcluster.d/whytrace-no-cluster.conf installed=0
    may_install || return 1
    as_root mkdir -p "${no_cluster%/*}"
    echo "create_main_cluster = false" | as_root tee "$no_cluster" >/dev/null
    install postgresql || installed=$?
    as_root rm -f "$no_cluster"
    return "$installed"
}

may_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

# install PACKAGE [VARIABLE=VALUE...]
install() {
    may_install || return 1
    local package=$1 installed=0 output
    shift
    say "postgres.sh: installing Debian's package $package"
    output=$({
        as_root apt-get update -qq &&
            as_root env DEBIAN_FRONTEND=noninteractive "$@" \
                apt-get install -y -qq --no-install-recommends "$package"
    } 2>&1) || installed=$?
    [ "$installed" -eq 0 ] || say "$output"
    return "$installed"
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

# --- the server --------------------------------------------------------------------------------------------------

start() {
    dir=$(mktemp -d "${TMPDIR:-/tmp}/whytrace-postgres.XXXXXX")
    trap stop EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && printf '%s\n' "$password" >"$dir/password")
    settings >"$dir/settings.conf"
    choose_user
    create_data
    start_on_a_free_port
    create_database
}

# Loopback with a password, because everybody on this machine can reach it and a superuser runs commands as its user.
# Nothing here outlives a power cut, so no fsync: a server that is killed loses nothing by that. Locale and zone are
# those of some user, and not the ones that SQL written in a hurry takes for granted.
settings() {
    cat <<'SETTINGS'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
fsync = off
timezone = 'Asia/Kathmandu'
SETTINGS
}

# Postgres refuses to run as root, so root hands the folder to a user without rights.
choose_user() {
    user=
    [ "$(id -u)" -eq 0 ] || return 0
    user=nobody
    if id postgres >/dev/null 2>&1; then user=postgres; fi
    chown -R "$user:" "$dir"
    as_user test -w "$dir" || fail "the user $user cannot reach $dir: set TMPDIR to a folder that every user can enter"
}

# From the root folder, because the user may not be allowed into the one that this runs in.
as_user() {
    (
        cd /
        if [ -z "$user" ]; then
            "$@"
        elif command -v runuser >/dev/null; then
            runuser -u "$user" -- "$@"
        else
            sudo -n -u "$user" -- "$@"
        fi
    )
}

# `--locale-provider` came with Postgres 15, and not every system has C.UTF-8.
create_data() {
    local locale
    for locale in "--locale-provider=libc --locale=C.UTF-8" --locale=C.UTF-8 --locale=C; do
        # shellcheck disable=SC2086 # two options in one string
        if as_user "$bin/initdb" --pgdata="$dir/data" --username=postgres --pwfile="$dir/password" --no-sync \
            --auth=scram-sha-256 --encoding=UTF8 $locale >"$dir/log" 2>&1; then
            echo "include '$dir/settings.conf'" >>"$dir/data/postgresql.conf"
            return
        fi
    done
    fail "initdb failed: $(cat "$dir/log")"
}

# Ports below those that systems give to outgoing connections, so that a server can come back on its own. Somebody
# may take the port between any look and the start; the start itself is the look.
start_on_a_free_port() {
    as_user rm -f "$dir/log"
    local attempt
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        port=$((20000 + RANDOM % 12000))
        if as_user "$bin/pg_ctl" start --pgdata="$dir/data" --log="$dir/log" --wait --timeout=60 --silent \
            --options="-p $port" >/dev/null 2>&1; then
            return
        fi
        grep -q "could not bind" "$dir/log" 2>/dev/null || break
    done
    fail "the server did not start (attempt $attempt): $(cat "$dir/log" 2>/dev/null)"
}

# A role without a superuser's rights, as a careful user has one, and where the server can (15 and newer, with ICU)
# a database that sorts as people do: a statement that forgot its `collate "C"` shows.
create_database() {
    as_superuser "create role whytrace login password '$password'"
    local database="create database whytrace_test owner whytrace template template0"
    as_superuser "$database locale_provider icu icu_locale 'en-US'" 2>/dev/null || as_superuser "$database"
}

as_superuser() {
    PGPASSWORD=$password "$bin/psql" --no-psqlrc --quiet --host=127.0.0.1 --port="$port" --username=postgres \
        --dbname=postgres --command="$1"
}

# Two of them: as a user finds it after installing it, and with the setting that its documentation proposes for
# programs that bring settings along.
start_poolers() {
    (umask 077 && printf '"whytrace" "%s"\n' "$password" >"$dir/pooler-users")
    start_pooler pooler
    pooler_port=$port_of_pooler
    start_pooler lax-pooler "ignore_startup_parameters = options,extra_float_digits"
    lax_pooler_port=$port_of_pooler
}

# start_pooler NAME [SETTING]: leaves its port in port_of_pooler
start_pooler() {
    local name=$1 attempt
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        port_of_pooler=$((20000 + RANDOM % 12000))
        cat >"$dir/$name.ini" <<SETTINGS
[databases]
whytrace_test = host=127.0.0.1 port=$port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port_of_pooler
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $dir/pooler-users
pool_mode = transaction
default_pool_size = 60
max_client_conn = 2000
pidfile = $dir/$name.pid
logfile = $dir/$name.log
${2:-}
SETTINGS
        if [ -n "$user" ]; then chown "$user:" "$dir/$name.ini" "$dir/pooler-users"; fi
        as_user "$pgbouncer" --daemon --quiet "$dir/$name.ini" >/dev/null 2>"$dir/$name.err" && return
    done
    fail "PgBouncer did not start (attempt $attempt): $(cat "$dir/$name.err" "$dir/$name.log" 2>/dev/null)"
}

stop() {
    trap '' HUP INT TERM
    local server pooler
    for pooler in "$dir"/*pooler.pid; do
        [ -e "$pooler" ] || continue
        as_user kill "$(cat "$pooler")" 2>/dev/null || true
    done
    for server in "$dir"/*/postmaster.pid; do
        [ -e "$server" ] || continue
        as_user "$bin/pg_ctl" stop --pgdata="${server%/*}" --mode=immediate --silent >/dev/null 2>&1 ||
            say "postgres.sh: the server in ${server%/*} could not be stopped"
    done
    rm -rf "$dir"
}

main "$@"
