#!/usr/bin/env bash
# tools/update_uplot.sh [VERSION INTEGRITY]: fetches uPlot from npm into src/present/web/uplot.
#
# Without arguments: the version that is recorded there; nothing may change. With them: another version, whose
# tarball must have that integrity ("sha512-..." as npm shows it; compare it with what the project's release
# says). VERSION, INTEGRITY and SHA256SUMS in the folder record what is kept; tests/tools/uplot_test.py holds
# the files against them. A build never comes here: it works offline with what is in the tree (ADR 23).
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
folder="$ROOT/src/present/web/uplot"
files=(LICENSE uPlot.iife.min.js uPlot.min.css)

die() {
    printf 'update_uplot: %s\n' "$1" >&2
    exit "${2:-1}"
}

if (($# != 0 && $# != 2)); then die "takes no argument, or VERSION INTEGRITY" 2; fi
version=${1:-$(cat -- "$folder/VERSION")}
integrity=${2:-$(cat -- "$folder/INTEGRITY")}
for program in npm openssl tar; do
    command -v "$program" >/dev/null || die "$program is not installed; apt-get install $program"
done

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
(cd -- "$work" && npm pack --silent "uplot@$version" >/dev/null) ||
    die "npm has no uplot@$version, or cannot be reached"
tarball="$work/uplot-$version.tgz"
found="sha512-$(openssl dgst -sha512 -binary -- "$tarball" | base64 -w0)"
[[ $found == "$integrity" ]] || die "the tarball of uplot@$version is $found, not $integrity; nothing was changed"

tar -xzf "$tarball" -C "$work"
cp -- "$work/package/LICENSE" "$work/package/dist/uPlot.iife.min.js" "$work/package/dist/uPlot.min.css" "$folder/"
printf '%s\n' "$version" >"$folder/VERSION"
printf '%s\n' "$integrity" >"$folder/INTEGRITY"
(cd -- "$folder" && sha256sum -- "${files[@]}" >SHA256SUMS)
printf 'uplot@%s is in %s\n' "$version" "$folder"
