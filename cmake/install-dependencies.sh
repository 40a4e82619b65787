#!/usr/bin/env bash
# Installs what libmigrate needs on Debian 12. This is the only list of packages in the project.
#
#   cmake/install-dependencies.sh          what the build, the demo and the tests need
#   cmake/install-dependencies.sh --ci     and what only the second compiler's lane of .ci/run needs
#   cmake/install-dependencies.sh --bench  and what only the benchmarks measure themselves against
#   cmake/install-dependencies.sh --list   prints the names and installs nothing
#
# Does nothing, and needs no rights, when everything is there already.
set -euo pipefail

packages=(
  # tools
  g++ cmake ninja-build ccache pkg-config git python3
  # C++ libraries. Boost is 1.81 throughout: packages of Boost 1.74 may be installed beside it, but not
  # libboost-dev, whose headers lie in the same place.
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libboost-system1.81-dev
  libfmt-dev libyaml-cpp-dev libcli11-dev libhowardhinnant-date-dev doctest-dev
  libssl-dev libsqlite3-dev libpq-dev libxlsxwriter-dev libjq-dev libonig-dev libgumbo-dev libmd4c-dev
  # at run time: the services' certificates and the time zones
  ca-certificates tzdata
  # real databases for the demo and the tests
  sqlite3 postgresql-15 python3-psycopg2
)
ci_packages=(clang libclang-rt-14-dev)
bench_packages=(time pgloader python3-requests)

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; }
say() { printf 'install-dependencies: %s\n' "$*" >&2; }

list_only=false
for argument in "$@"; do
  case $argument in
    --ci) packages+=("${ci_packages[@]}") ;;
    --bench) packages+=("${bench_packages[@]}") ;;
    --list) list_only=true ;;
    -h | --help) usage; exit 0 ;;
    *) say "unknown option $argument"; usage >&2; exit 2 ;;
  esac
done
if $list_only; then
  printf '%s\n' "${packages[@]}"
  exit 0
fi

if ! command -v dpkg-query >/dev/null; then
  say "this machine has no dpkg; the list is for Debian 12. Install the equivalents of these packages:"
  say "${packages[*]}"
  exit 1
fi

# The names of the packages that are not installed completely.
missing_packages() {
  local package status
  for package in "${packages[@]}"; do
    # One at a time: a name that dpkg has never heard of makes a common query fail as a whole.
    status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null || true)
    grep -qx installed <<<"$status" || printf '%s\n' "$package"
  done
}

mapfile -t missing < <(missing_packages)
((${#missing[@]} > 0)) || exit 0

as_root=()
if ((EUID != 0)); then
  if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [[ -t 0 && -z ${CI:-} ]]; }; }; then
    as_root=(sudo)
  else
    say "these packages are missing, and installing them needs root: ${missing[*]}"
    say "run as root: apt-get install --no-install-recommends ${missing[*]}"
    exit 1
  fi
fi

# shellcheck disable=SC1091
version=$(. /etc/os-release && printf '%s' "${VERSION_ID:-unknown}")
[[ $version == 12 ]] || say "written for Debian 12, this is version $version: trying all the same"

# Debian's server package makes and starts a cluster of its own when it is installed. The demo and the tests start
# private ones, so we ask it not to, for the time of this installation only.
no_cluster=/etc/postgresql-common/createcluster.d/migrate-install.conf
remove_no_cluster() { "${as_root[@]}" rm -f "$no_cluster"; }
if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
  trap remove_no_cluster EXIT
  "${as_root[@]}" mkdir -p "${no_cluster%/*}"
  printf 'create_main_cluster = false\n' | "${as_root[@]}" tee "$no_cluster" >/dev/null
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

say "installing ${#missing[@]} packages: ${missing[*]}"
# --no-remove: apt would rather take away libboost1.74-dev, which something else of this machine may need, than fail.
install=(install --no-install-recommends --no-remove "${missing[@]}")
# Package lists may be absent (a fresh image) or stale; when they are good, the update is not needed.
if ! apt --print-uris "${install[@]}" >/dev/null 2>&1; then
  apt update
elif ! apt --download-only "${install[@]}"; then
  apt update
fi
if ! apt "${install[@]}"; then
  say "apt-get could not install them; its message stands above"
  if dpkg-query -W -f '${db:Status-Status}' libboost1.74-dev 2>/dev/null | grep -qx installed; then
    say "libboost1.74-dev is installed and cannot stay beside libboost1.81-dev:"
    say "remove it (apt-get remove libboost1.74-dev), then try again"
  fi
  exit 1
fi

mapfile -t missing < <(missing_packages)
if ((${#missing[@]} > 0)); then
  say "apt-get reported success, yet these are not installed: ${missing[*]}"
  exit 1
fi
