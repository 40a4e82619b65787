#!/usr/bin/env bash
# Runs a bundled migration on sample data, from packages to reports, on a bare Debian 12.
#
#   examples/demo.sh [certificates] [--to sqlite|postgres] [--dir DIRECTORY] [--rows N] [--again]
#   examples/demo.sh freshdesk_to_jira [--dir DIRECTORY] [--rows N] [--again]
#
#   --to        certificates: where to (default: sqlite). postgres: a private server, started here, stopped at the end
#   --dir       where everything is put (default: build/demo)
#   --rows      how much sample data (default: 5000 certificates, 200 tickets)
#   --again     remove what an earlier demo left in that directory, and start anew
#
# The services of a pair are played by their simulators, on this machine. A second call builds nothing anew, and finds
# that everything has been migrated already where the target is still there.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
exec </dev/null

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$root/examples/demo.sh"; }
pairs() {
  local file
  for file in examples/drivers/*/demo.sh; do printf '%s ' "$(basename "$(dirname "$file")")"; done
}
fail() { printf 'demo: %s\n' "$*" >&2; exit 2; }
say() { printf '\n== %s\n' "$*"; }

pair='' to='' directory=$root/build/demo rows='' again=false
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
[[ -z $rows || $rows =~ ^[1-9][0-9]*$ ]] || fail "--rows $rows: it is a number above 0"
migration=$root/examples/drivers/$pair/migration.yaml
[[ -f examples/drivers/$pair/demo.sh ]] || fail "there is no pair $pair; there are: $(pairs)"

mkdir -p "$directory"
directory=$(cd "$directory" && pwd)

# What a pair's file defines:
#   targets   what has to be built
#   work      the working directory
#   forget    removes what an earlier demo made, by name
#   prepare   sample data and services; fills options, and stops at the end what it has started
#   tell      what a person should look at
# shellcheck source=/dev/null
source "examples/drivers/$pair/demo.sh"
if $again; then forget; fi

say "packages"
cmake/install-dependencies.sh

say "build"
jobs=${MIGRATE_JOBS:-$(nproc)}
[[ -f build/release/build.ninja ]] || cmake --preset release
# Only what the demo needs.
cmake --build --preset release -j "$jobs" --target "${targets[@]}"

options=(--working-dir "$work")
prepare

say "migrate run ${migration#"$root"/}"
status=0
build/release/bin/migrate run "$migration" "${options[@]}" || status=$?
case $status in
  0 | 1) ;; # 1: some records failed. The sample has dirt on purpose; the report says which and why.
  *) echo "demo: migrate run ended with status $status" >&2; exit "$status" ;;
esac

say "done"
tell
echo "reports in     $work: open migration-report.html or migration-report.xlsx"
