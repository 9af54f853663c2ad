# shellcheck shell=bash
# Sourced by ./run, ./test and ./bench: packages, configuration, build. Everything it says goes to standard
# error, so that `./run VERB --json` prints nothing but the verb's answer.

posthorn_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '== %s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit "${2:-3}"
}

# The names in package lists: one a line, # begins a comment.
listed_packages() {
  local list
  for list in "$@"; do
    sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$posthorn_root/packaging/$list"
  done | sort -u
}

# Prints those of the named packages that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || printf '%s\n' "$package"
  done
}

# need_packages LIST…: installs what is missing of packaging/LIST, as root or through sudo.
need_packages() {
  local names missing apt=(apt-get)
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: install what packaging/{$*} name by yourself"
    return
  fi
  mapfile -t names < <(listed_packages "$@")
  mapfile -t missing < <(missing_packages "${names[@]}")
  ((${#missing[@]})) || return 0
  say "${#missing[@]} Debian packages are missing: ${missing[*]}"
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "these packages are missing and sudo is not there: run as root: apt-get install ${missing[*]}"
    apt=(sudo apt-get)
  fi
  say "installing them (a few minutes on a new machine)"
  "${apt[@]}" -qq update >&2 || die "apt-get update failed: is a package mirror reachable?"
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" -y -q -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}" 2>&1 |
    awk '/newly installed/ { total = $3 } /^Setting up/ { n++; if (n % 20 == 0) print "   " n " of " total " set up"; fflush() }
         /^[EW]:/ { print; fflush() }' >&2
  mapfile -t missing < <(missing_packages "${missing[@]}")
  ((${#missing[@]} == 0)) || die "apt-get could not install: ${missing[*]}"
}

# The compiler cache, for rebuilds in the same place (the precompiled header is tied to its folder).
use_ccache() {
  export CCACHE_BASEDIR=$posthorn_root CCACHE_NOHASHDIR=1
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
}

# Shows ninja's progress: whole on a terminal, else a line each time five more percent are done.
show_progress() {
  if [[ -t 2 ]]; then
    cat >&2
  else
    awk '/^\[[0-9]+\/[0-9]+\]/ { split(substr($1, 2), part, /[\/\]]/); step = int(20 * part[1] / part[2])
           if (step != last) { print "   " part[1] " of " part[2]; last = step; fflush() } next }
         { print; fflush() }' >&2
  fi
}

# build FLAVOUR [TARGET…]: configures the preset and builds the targets (all without one).
build() {
  local flavour=$1 log=$posthorn_root/build/$1/configure.log started=$SECONDS together=""
  shift
  use_ccache
  mkdir -p "$posthorn_root/build/$flavour"
  # From nothing: files together, which is faster. A folder that somebody works in stays as it was configured.
  [[ -e $posthorn_root/build/$flavour/CMakeCache.txt ]] || together=-DPOSTHORN_TOGETHER=8
  (cd "$posthorn_root" && cmake --preset "$flavour" ${together:+"$together"}) >"$log" 2>&1 || {
    cat "$log" >&2
    die "configuring the $flavour build failed (above; $log)" 1
  }
  say "building $flavour${*:+: $*}"
  (($#)) && set -- --target "$@"
  cmake --build "$posthorn_root/build/$flavour" "$@" 2>&1 | show_progress
  ((PIPESTATUS[0] == 0)) || die "the $flavour build failed: the compiler's words stand above" 1
  say "$flavour built in $((SECONDS - started)) s"
}
