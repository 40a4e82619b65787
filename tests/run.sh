#!/usr/bin/env bash
# Installs what is needed, builds, and runs every test.
#
#   tests/run.sh [arguments for ctest]     for example: tests/run.sh -L unit, tests/run.sh -R sqlite
#
# MIGRATE_JOBS sets how many compilers and tests run at once.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

# One job a processor, but no more than memory allows: a heavy translation unit takes up to 2 GiB.
job_count() {
  local processors gibibytes
  processors=$(nproc)
  gibibytes=$(awk '/^MemTotal:/ {print int($2 / 1048576)}' /proc/meminfo)
  local by_memory=$((gibibytes / 2))
  ((by_memory >= 1)) || by_memory=1
  echo $((processors < by_memory ? processors : by_memory))
}
jobs=${MIGRATE_JOBS:-$(job_count)}

step() {
  local title=$1 start=$SECONDS
  shift
  printf '\n== %s\n' "$title"
  "$@"
  printf '== %s: %s s\n' "$title" $((SECONDS - start))
}

step "packages" cmake/install-dependencies.sh
step "configure" cmake --preset release
step "build with $jobs jobs" cmake --build --preset release -j "$jobs"
# Last, so that ctest's closing lines and its exit status are this script's.
printf '\n== tests\n'
exec ctest --preset release -j "$jobs" --no-tests=error "$@"
