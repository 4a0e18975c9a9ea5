#!/usr/bin/env bash
# ./dev deb: the Debian package, and the proof that it works on a machine without the sources.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/dev/say.sh
source "$ROOT/tools/dev/say.sh"
# shellcheck source=tools/dev/packages.sh
source "$ROOT/tools/dev/packages.sh"
# shellcheck source=tools/dev/empty_debian.sh
source "$ROOT/tools/dev/empty_debian.sh"

usage() {
    cat <<'TEXT'
./dev deb [--prove]

Builds release and packs it: build/release/peakward_VERSION_ARCH.deb. Checks that everything an
install needs is in it, that its executables are hardened (tools/check_hardening.py) and that its
bill of materials is whole (tools/sbom.py).

  --prove   also makes an empty Debian 12 (debootstrap, root), installs the package there with
            apt-get, without the sources, and runs it: version, context, backends, calibrate
TEXT
}

prove=
for argument in "$@"; do
    case $argument in
        --prove) prove=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) die --code 2 "deb does not know '$argument'; see ./dev deb --help" ;;
    esac
done

need_packages build run deb
"$ROOT/dev" build
rm -f "$ROOT"/build/release/peakward_*.deb
step package env LC_ALL=C.UTF-8 cmake --build "$ROOT/build/release" --target package
package=$(find "$ROOT/build/release" -maxdepth 1 -name 'peakward_*.deb')
[[ -n $package ]] || die "CPack made no package; see $(log_folder)/package.log"

contents=$(dpkg-deb -c "$package")
for path in ./usr/bin/peakward ./usr/libexec/peakward/workers/peakward-worker-native \
    ./usr/libexec/peakward/workers/peakward-worker-blas \
    ./usr/libexec/peakward/workers/python/peakward_worker/ ./usr/share/doc/peakward/copyright \
    ./usr/share/doc/peakward/peakward.spdx.json \
    ./usr/share/man/man1/peakward.1 ./usr/share/bash-completion/completions/peakward; do
    grep -qF " $path" <<<"$contents" || die "$package lacks $path"
done
# In a shell of its own, whose trap takes the unpacked package away.
check_unpacked() (
    unpacked=$(mktemp -d)
    trap 'rm -rf -- "$unpacked"' EXIT
    dpkg-deb -x "$package" "$unpacked" &&
        python3 -B "$ROOT/tools/check_hardening.py" "$unpacked/usr/bin/peakward" \
            "$unpacked"/usr/libexec/peakward/workers/peakward-worker-* &&
        python3 -B "$ROOT/tools/sbom.py" --check "$unpacked/usr/share/doc/peakward/peakward.spdx.json"
)
check_unpacked || die "$package lacks hardening, or its bill of materials is not whole"
printf '%s\n' "$package"
dpkg-deb -f "$package" Package Version Architecture Installed-Size Depends Recommends
if [[ -z $prove ]]; then exit 0; fi

make_empty_debian
cp "$package" "$EMPTY/root/"
failed=
prove_command() {
    local status=0 log
    log="$(log_folder)/deb-prove.log"
    in_empty_debian "$1" >"$log" 2>&1 || status=$?
    printf '$ %s\n' "$1"
    tail -n "$2" "$log" | sed 's/^/   | /'
    if ((status != 0)); then
        printf 'exit %d\n' "$status"
        failed+=" '$1'"
    fi
}
step deb-install in_empty_debian "export DEBIAN_FRONTEND=noninteractive && apt-get update && apt-get install -y --no-install-recommends ./$(basename "$package") libopenblas0-pthread" ||
    die "the package does not install on an empty Debian 12"
prove_command "peakward --version" 2
prove_command "peakward context" 30
prove_command "peakward backends" 20
# What is proved is the package: --force, because this machine may be busy with other builds.
prove_command "peakward calibrate --quick --force" 40
prove_command "peakward history" 6
prove_command "ls /usr/libexec/peakward/workers" 6
if [[ -n $failed ]]; then die "failed with the package installed:$failed"; fi
echo "deb: installs and runs on an empty Debian 12 without the sources"
