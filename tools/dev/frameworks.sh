# shellcheck shell=bash
# The Python environment with the frameworks that the Python backends are tested with.

# frameworks_folder: where the environment lies or will lie. Its name holds the hash of the pinned
# list, so that clones of this repository share it and a new list makes a new one.
frameworks_folder() {
    local hash
    hash=$(sha256sum "$ROOT/tools/python-frameworks.txt" | cut -c1-16)
    printf '%s/peakward/frameworks-%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}" "$hash"
}

# The sentence for a failed pip, from its log.
explain_pip_failure() {
    local log=$1
    if grep -qE 'Temporary failure in name resolution|Failed to establish a new connection|Could not connect|ConnectTimeout|Network is unreachable|ProxyError|SSLError' "$log"; then
        die "the Python package index cannot be reached, so the frameworks cannot be installed. Check the network (or pip's configuration: pip config list) and run this again. Log: $log"
    elif grep -qE 'No matching distribution|Could not find a version' "$log"; then
        die "the package index does not offer: $(grep -oE 'No matching distribution found for [^ ]+' "$log" | awk '{print $NF}' | sort -u | tr '\n' ' ')for $(python3 --version 2>&1). Python 3.11 to 3.13 have them all; put one first on the PATH. Log: $log"
    elif grep -q 'No space left' "$log"; then
        die "the disk is full, so the frameworks (about 2 GB) cannot be installed. Log: $log"
    elif grep -qE 'ensurepip is not available|No module named venv' "$log"; then
        die "this python3 cannot make virtual environments: install python3-venv. Log: $log"
    fi
    die "pip could not install the frameworks. Log: $log"
}

# need_frameworks: makes the environment if it is not there. It is built aside and renamed, so that
# one that was interrupted is never taken for whole, and two clones may build it at once.
need_frameworks() {
    local folder aside log
    folder=$(frameworks_folder)
    if [[ -x $folder/bin/python ]]; then return 0; fi
    log="$(log_folder)/frameworks.log"
    mkdir -p "${folder%/*}" || die "cannot write to ${folder%/*}; set XDG_CACHE_HOME to a folder that is writable"
    aside=$(mktemp -d "$folder.XXXXXX") || die "cannot write to ${folder%/*}"
    say "== installing the Python frameworks (about 1 GB) into $folder"
    if ! { python3 -m venv "$aside" &&
        "$aside/bin/pip" install --disable-pip-version-check -r "$ROOT/tools/python-frameworks.txt"; } \
        >"$log" 2>&1 </dev/null; then
        rm -rf -- "$aside"
        explain_pip_failure "$log"
    fi
    # bin/python finds its environment by where it lies; only the scripts beside it name the old folder.
    chmod 755 "$aside"
    if ! mv -T -- "$aside" "$folder" 2>>"$log"; then
        rm -rf -- "$aside"
        [[ -x $folder/bin/python ]] || die "could not rename the environment to $folder. Log: $log"
    fi
}
