# The certificates for examples/demo.sh, which reads this file: from a generated legacy database into SQLite or a private
# PostgreSQL.
# shellcheck shell=bash disable=SC2034,SC2154

to=${to:-sqlite} rows=${rows:-5000}
[[ $to == sqlite || $to == postgres ]] || fail "--to $to: it is sqlite or postgres"
work=$directory/$pair-to-$to
legacy=$directory/legacy-$rows.db
targets=(migrate_program migrate_plugin_sqlite migrate_plugin_fields migrate-certificates-generator)
[[ $to == sqlite ]] || targets+=("migrate_plugin_$to")

forget() {
  [[ ! -e $work ]] || rm -r -- "$work"
  rm -f -- "$legacy" "$directory/$pair-$to.db"
}

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

prepare() {
  say "sample database"
  if [[ -f $legacy ]]; then
    echo "$legacy is there already"
  else
    build/release/bin/migrate-certificates-generator --out "$legacy.part" --certificates "$rows"
    mv "$legacy.part" "$legacy"
  fi
  options+=(--set "source.path=$legacy")
  if [[ $to == postgres ]]; then
    say "PostgreSQL"
    start_server
    options+=(--set sink.connector=postgres --set "sink.dsn=host=$socket_folder user=demo dbname=certificates")
  else
    options+=(--set "sink.path=$directory/$pair-$to.db")
  fi
}

tell() {
  local target=$directory/$pair-$to.db
  [[ $to == sqlite ]] || target="database certificates of the PostgreSQL below $directory"
  echo "migrated from  $legacy"
  echo "         to    $target"
  echo "not migrated   what the sample's dirt makes impossible; each row is listed in the reports with its cause"
}
