# Debian packages: sourced by scripts/demo and scripts/test. Debian 12 has every version needed.

packages_to_build=(g++ cmake ninja-build pkg-config nlohmann-json3-dev libssl-dev libcli11-dev
  libfmt-dev libhwy-dev libutf8proc-dev libgtest-dev libbenchmark-dev libre2-dev libsqlite3-dev
  libcurl4-openssl-dev libarchive-dev zlib1g-dev libboost-dev libgmp-dev libseccomp-dev python3)
packages_to_test=(clang lld libclang-rt-14-dev clang-format-14 libxml2-utils python3-numpy nghttp2-proxy
  slurm-wlm munge chromium)
packages_to_tidy=(clang-tidy-14)

# need_packages NAME ...: installs those that are missing; does not touch apt if none is.
need_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "packages: no dpkg on this system; needed under their Debian names: $*" >&2
    return 0
  fi
  local name missing=() as_root=()
  for name in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  [[ ${#missing[@]} -eq 0 ]] && return 0
  if [[ $EUID -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      echo "packages: neither root nor sudo; as root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "packages: installing ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      "${missing[@]}" >/dev/null
}

# configure PRESET [OPTION ...]: with ccache if there is one.
configure() {
  local preset=$1 launcher=()
  shift
  command -v ccache >/dev/null &&
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake --preset "$preset" "${launcher[@]}" "$@"
}
