#!/usr/bin/env bash
# Migrates a sample legacy database, from packages to reports, on a bare Debian 12.
#
#   examples/demo.sh [certificates] [--to sqlite|postgres] [--dir DIRECTORY] [--rows N] [--again]
#
#   --to        where to (default: sqlite). postgres: a private server, started here and stopped at the end
#   --dir       where everything is put (default: build/demo)
#   --rows      certificates in the sample database (default: 5000)
#   --again     remove what an earlier demo left in that directory, and start anew
#
# A second call builds nothing anew and finds that everything has been migrated already.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
exec </dev/null

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$root/examples/demo.sh"; }
pairs() {
  local file
  for file in examples/drivers/*/migration.yaml; do printf '%s ' "$(basename "$(dirname "$file")")"; done
}
fail() { printf 'demo: %s\n' "$*" >&2; exit 2; }
say() { printf '\n== %s\n' "$*"; }

pair='' to=sqlite directory=$root/build/demo rows=5000 again=false
while (($#)); do
  case $1 in
    --to) to=${2:?--to needs sqlite or postgres}; shift ;;
    --dir) directory=${2:?--dir needs a directory}; shift ;;
    --rows) rows=${2:?--rows needs a number}; shift ;;
    --again) again=true ;;
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; fail "unknown option $1" ;;
    *) [[ -z $pair ]] || fail "one pair at a time: $pair or $1"; pair=$1 ;;
  esac
  shift
done
pair=${pair:-certificates}
[[ $to == sqlite || $to == postgres ]] || fail "--to $to: it is sqlite or postgres"
[[ $rows =~ ^[1-9][0-9]*$ ]] || fail "--rows $rows: it is a number above 0"
migration=$root/examples/drivers/$pair/migration.yaml
[[ -f $migration ]] || fail "there is no pair $pair; there are: $(pairs)"

mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
work=$directory/$pair-to-$to
legacy=$directory/legacy-$rows.db
if $again; then
  # Only what this script makes, by name.
  [[ ! -e $work ]] || rm -r -- "$work"
  rm -f -- "$legacy" "$directory/$pair-$to.db"
fi

say "packages"
cmake/install-dependencies.sh

say "build"
jobs=${MIGRATE_JOBS:-$(nproc)}
[[ -f build/release/build.ninja ]] || cmake --preset release
# Only what the demo needs: the program, the connectors, and the generator of the sample.
targets=(migrate_program migrate_plugin_sqlite migrate_plugin_fields migrate-certificates-generator)
[[ $to == sqlite ]] || targets+=("migrate_plugin_$to")
cmake --build --preset release -j "$jobs" --target "${targets[@]}"

say "sample database"
if [[ -f $legacy ]]; then
  echo "$legacy is there already"
else
  build/release/bin/migrate-certificates-generator --out "$legacy.part" --certificates "$rows"
  mv "$legacy.part" "$legacy"
fi

# A PostgreSQL of our own: data in the demo's directory, reached through a socket only.
server_bin=/usr/lib/postgresql/15/bin cluster='' socket_folder=''
# PostgreSQL refuses to run as root.
as_server_user() {
  if ((EUID == 0)); then
    (cd / && setpriv --reuid=postgres --regid=postgres --init-groups --reset-env -- "$@")
  else
    "$@"
  fi
}
stop_server() {
  [[ -z $cluster ]] || as_server_user "$server_bin/pg_ctl" -D "$cluster" -m fast -w -s stop || true
  [[ -z $socket_folder ]] || rm -rf -- "$socket_folder"
  cluster='' socket_folder=''
}
query() { PGOPTIONS=-cclient_min_messages=warning psql -h "$socket_folder" -U demo -d postgres -v ON_ERROR_STOP=1 -qAtc "$1"; }
start_server() {
  local data=$directory/postgresql
  [[ -x $server_bin/postgres ]] || fail "there is no $server_bin/postgres: cmake/install-dependencies.sh installs it"
  if ((EUID == 0)) && ! setpriv --reuid=postgres --regid=postgres --clear-groups -- test -x "$directory"; then
    # A checkout below a private home: the server's user cannot get there.
    data=/var/lib/postgresql/migrate-demo
    echo "the user postgres cannot reach $directory; the server's data goes to $data"
  fi
  # A socket's path may have 107 bytes at most, which a working directory can exceed. The folder is closed to others,
  # because the server trusts whoever reaches the socket.
  socket_folder=$(mktemp -d /tmp/migrate-demo.XXXXXX)
  trap stop_server EXIT
  mkdir -p "$data"
  if ((EUID == 0)); then chown postgres:postgres "$socket_folder" "$data"; fi
  chmod 700 "$socket_folder" "$data"
  if [[ ! -f $data/cluster/PG_VERSION ]]; then
    as_server_user "$server_bin/initdb" -D "$data/cluster" -U demo -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
  elif as_server_user "$server_bin/pg_ctl" -D "$data/cluster" status >/dev/null; then
    # Left by a demo that was killed.
    as_server_user "$server_bin/pg_ctl" -D "$data/cluster" -m fast -w -s stop
  fi
  if ! as_server_user "$server_bin/pg_ctl" -D "$data/cluster" -l "$data/server.log" -w -t 60 -s \
    -o "-c listen_addresses= -c unix_socket_directories=$socket_folder -c max_wal_size=4GB" start; then
    tail -n 20 "$data/server.log" >&2
    fail "PostgreSQL did not start; its log: $data/server.log"
  fi
  cluster=$data/cluster
  if [[ ! -d $work ]]; then
    # Rows of an earlier demo whose working directory is gone.
    query 'DROP DATABASE IF EXISTS certificates'
  fi
  if [[ -z $(query "SELECT 1 FROM pg_database WHERE datname = 'certificates'") ]]; then
    query 'CREATE DATABASE certificates'
  fi
  echo "PostgreSQL runs as process $(head -n 1 "$cluster/postmaster.pid"); log: $data/server.log"
}

options=(--working-dir "$work" --set "source.path=$legacy")
if [[ $to == postgres ]]; then
  say "PostgreSQL"
  start_server
  options+=(--set sink.connector=postgres --set "sink.dsn=host=$socket_folder user=demo dbname=certificates")
else
  options+=(--set "sink.path=$directory/$pair-$to.db")
fi

say "migrate run ${migration#"$root"/}"
status=0
build/release/bin/migrate run "$migration" "${options[@]}" || status=$?
case $status in
  0 | 1) ;; # 1: some records failed. The sample has dirt on purpose; the report says which and why.
  *) echo "demo: migrate run ended with status $status" >&2; exit "$status" ;;
esac

say "done"
if [[ $to == postgres ]]; then
  target="database certificates of the PostgreSQL below $directory"
else
  target=$directory/$pair-$to.db
fi
echo "migrated from  $legacy"
echo "         to    $target"
echo "reports in     $work: open migration-report.html or migration-report.xlsx"
echo "not migrated   what the sample's dirt makes impossible; each row is listed there with its cause"
