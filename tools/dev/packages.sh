# shellcheck shell=bash
# Installs the Debian packages that are missing, and only those. The list is tools/packages.txt.

# packages_of GROUP...: one line per package of the groups, alternatives separated by "|".
packages_of() {
    local group
    for group in "$@"; do
        awk -v group="$group" '$1 == group {print $2}' "$ROOT/tools/packages.txt"
    done
}

# missing_packages GROUP...: what would be installed, one per line.
missing_packages() {
    local native installed entry name found
    local -a names
    native=$(dpkg --print-architecture)
    installed=$(dpkg-query -W -f '${Package}:${Architecture} ${db:Status-Status}\n' 2>/dev/null |
        awk '$2 == "installed" {print $1}')
    while IFS= read -r entry; do
        found=
        IFS='|' read -ra names <<<"$entry"
        for name in "${names[@]}"; do
            case $name in
                *:*) if grep -qxF "$name" <<<"$installed"; then found=yes; fi ;;
                *) if grep -qxF -e "$name:$native" -e "$name:all" <<<"$installed"; then found=yes; fi ;;
            esac
        done
        if [[ -z $found ]]; then printf '%s\n' "${names[0]}"; fi
    done < <(packages_of "$@")
}

# as_root COMMAND...: directly as root, else through sudo; never waits for a password without a
# terminal.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif [[ -t 0 ]]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

can_become_root() {
    ((EUID == 0)) || { command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; }
}

run_apt() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 "$@" </dev/null
}

# The sentence for a failed apt-get, from its log.
explain_apt_failure() {
    local log=$1
    if grep -qE 'Temporary failure resolving|Could not resolve|Could not connect|Unable to connect|Network is unreachable|connection timed out|Connection refused' "$log"; then
        die "the Debian mirror cannot be reached, so the packages cannot be installed. Check the network (or the proxy in /etc/apt/apt.conf.d) and run this again. Log: $log"
    elif grep -qE 'Unable to locate package|has no installation candidate' "$log"; then
        die "this system does not offer: $(grep -oE "(Unable to locate package|Package '?)[^ ]* ?[^ ']*" "$log" | awk '{print $NF}' | sort -u | tr '\n' ' ')- Debian 12 has it in main. Log: $log"
    elif grep -qE 'Could not get lock|Unable to acquire the dpkg' "$log"; then
        die "another program is installing packages; run this again when it is done. Log: $log"
    elif grep -qE 'No space left|You don.t have enough free space' "$log"; then
        die "the disk is full, so the packages cannot be installed. Log: $log"
    fi
    die "apt-get could not install the packages. Log: $log"
}

# need_packages GROUP...: installs what is missing of the groups.
need_packages() {
    local -a missing
    local log
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "dev: this is not Debian, so nothing is installed here; needed are (under Debian's names):"
        say "     $(packages_of "$@" | cut -d'|' -f1 | tr '\n' ' ')"
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} == 0)); then return 0; fi
    can_become_root ||
        die "these packages are missing and only root may install them: run 'apt-get install --no-install-recommends ${missing[*]}' as root, then this again"
    log="$(log_folder)/apt.log"
    say "== installing ${#missing[@]} packages: ${missing[*]}"
    : >"$log"
    add_architectures "${missing[@]}" >>"$log" 2>&1 || explain_apt_failure "$log"
    # A simulation tells whether the lists know them all; only then are the lists fetched anew.
    if ! apt-get -s --no-install-recommends install "${missing[@]}" >/dev/null 2>&1; then
        run_apt update >>"$log" 2>&1 || explain_apt_failure "$log"
    fi
    if ! run_apt install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
        # Lists that have grown old name files that the mirror no longer has: once more, with new ones.
        run_apt update >>"$log" 2>&1 || explain_apt_failure "$log"
        run_apt install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 ||
            explain_apt_failure "$log"
    fi
}

# Packages named name:ARCH need ARCH known to dpkg.
add_architectures() {
    local name
    for name in "$@"; do
        if [[ $name == *:* ]] && [[ ${name#*:} != "$(dpkg --print-architecture)" ]] &&
            ! dpkg --print-foreign-architectures | grep -qxF "${name#*:}"; then
            as_root dpkg --add-architecture "${name#*:}"
            run_apt update
        fi
    done
}
