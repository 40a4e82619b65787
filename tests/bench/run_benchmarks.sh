#!/usr/bin/env bash
# Measures libmigrate against its peers, side by side in one run, and prints Markdown tables. See README.md.
#
#   tests/bench/run_benchmarks.sh [table|certificates|memory|journal|resume|tickets ...] [--rows N] [--rounds N] [--folder DIR]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${MIGRATE_BUILD_DIR:-$root/build/release}

for program in "$build/bin/migrate" "$build/bin/migrate-certificates-generator"; do
  if [[ ! -x $program ]]; then
    echo "run_benchmarks: $program is not there; build first: cmake --preset release && cmake --build --preset release" >&2
    exit 2
  fi
done

# Debian's python3 has psycopg2; one of a version manager's may come first in PATH and lack it.
python=
for candidate in python3 /usr/bin/python3; do
  if "$candidate" -c 'import psycopg2' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [[ -z $python ]]; then
  echo "run_benchmarks: needs psycopg2: apt-get install python3-psycopg2" >&2
  exit 2
fi
if [[ ! -x /usr/bin/time ]]; then
  echo "run_benchmarks: needs GNU time: apt-get install time" >&2
  exit 2
fi
command -v pgloader >/dev/null || echo "run_benchmarks: without pgloader (apt-get install pgloader), so without that row" >&2

exec "$python" -B "$here/benchmarks.py" --build "$build" "$@"
