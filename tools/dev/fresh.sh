#!/usr/bin/env bash
# ./dev fresh: the README's two commands in an empty Debian 12.
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
./dev fresh [--working-tree] [--keep]

Makes an empty Debian 12 in a temporary folder (debootstrap, minbase), copies the committed sources
into it, and runs there what the README says: ./dev calibrate, then ./dev test. Prints what each
took and proves that the run was stored. Needs root, 4 GB in $TMPDIR and a Debian mirror (the
host's own is used). The folder is removed at the end, also after a failure.

  --working-tree  copy the files as they are now, with what is not committed
  --keep          leave the folder, and say where it is
TEXT
}

copy_sources() {
    mkdir -p "$EMPTY/root/peakward"
    if ! git -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1; then
        tar -C "$ROOT" --exclude=./build -cf - . | tar -C "$EMPTY/root/peakward" -xf -
    elif [[ -n $working_tree ]]; then
        (cd "$ROOT" && git ls-files -z --cached --others --exclude-standard |
            while IFS= read -r -d '' file; do if [[ -e $file ]]; then printf '%s\0' "$file"; fi; done |
            tar --null -T - -cf -) | tar -C "$EMPTY/root/peakward" -xf -
    else
        git -C "$ROOT" archive HEAD | tar -C "$EMPTY/root/peakward" -xf -
    fi
}

# proof NAME COMMAND: runs it inside, shows the end of what it prints, returns its status.
proof() {
    local name=$1 status=0 start=$SECONDS log
    log="$(log_folder)/fresh-$name.log"
    say "-- in the empty Debian: $2"
    in_empty_debian "$2" >"$log" 2>&1 || status=$?
    tail -n "$3" "$log" | sed 's/^/   | /'
    printf '%s: exit %d after %d s (log: %s)\n' "$name" "$status" "$((SECONDS - start))" "$log"
    return "$status"
}

working_tree=
keep=
for argument in "$@"; do
    case $argument in
        --working-tree) working_tree=yes ;;
        --keep) keep=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) die --code 2 "fresh does not know '$argument'; see ./dev fresh --help" ;;
    esac
done

for command in "./dev calibrate" "./dev test"; do
    grep -qF "$command" "$ROOT/README.md" || die "README.md does not name '$command', which this is to prove"
done

start=$SECONDS
make_empty_debian
copy_sources
if [[ -n $keep ]]; then
    trap - EXIT
    say "the folder stays: $EMPTY"
fi
printf 'empty Debian %s: %s packages, no compiler: %s\n' "$(cat "$EMPTY/etc/debian_version")" \
    "$(grep -c '^Package:' "$EMPTY/var/lib/dpkg/status")" \
    "$([[ -e $EMPTY/usr/bin/c++ || -e $EMPTY/usr/bin/cmake ]] && echo 'NO' || echo yes)"
failed=
proof calibrate "cd peakward && ./dev calibrate" 40 || failed+=" calibrate"
proof test "cd peakward && ./dev test" 6 || failed+=" test"
proof history "peakward/build/release/bin/peakward history --limit 3" 12 || failed+=" history"
printf 'whole: %d s\n' "$((SECONDS - start))"
if [[ -n $failed ]]; then die "failed in the empty Debian:$failed"; fi
echo "fresh: both commands work in an empty Debian 12"
