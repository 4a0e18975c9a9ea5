# shellcheck shell=bash
# An empty Debian 12 in a temporary folder, made by debootstrap, and commands inside it. The mounts
# live in a mount namespace of their own, so they are gone with the process, whatever ends it.

EMPTY=

remove_empty_debian() {
    if [[ -n $EMPTY && -d $EMPTY ]]; then
        rm -rf --one-file-system -- "$EMPTY"
    fi
    EMPTY=
}

# Prints the mirror that this host uses for Debian itself, else the public one.
host_mirror() {
    { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
        awk '/^deb[[:space:]]/ {for (i = 2; i <= NF; ++i) if ($i ~ /^https?:/) {print $i; break}}
             /^URIs:/ {print $2}' |
        grep -E '/debian/?$' | head -n 1 | grep . || echo http://deb.debian.org/debian
}

# Prints the host's security mirror, if it has one.
host_security_mirror() {
    { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
        grep -oE 'https?://[^ ]*debian-security/?' | grep -v snapshot | head -n 1 || true
}

# make_empty_debian: sets EMPTY to the root of a minimal Debian 12 with this host's apt settings.
make_empty_debian() {
    local mirror security
    ((EUID == 0)) || die "an empty Debian needs debootstrap and chroot, which only root may use; run this as root (sudo ./dev ...)"
    need_packages fresh
    unshare --mount --pid --fork true 2>/dev/null ||
        die "this system does not allow new mount and process namespaces (an unprivileged container?), so nothing can be run in an empty Debian here"
    mirror=$(host_mirror)
    security=$(host_security_mirror)
    EMPTY=$(mktemp -d "${TMPDIR:-/tmp}/peakward-empty.XXXXXX")
    chmod 755 "$EMPTY" # apt reads as its own user
    trap remove_empty_debian EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if (($(df --output=avail -m "$EMPTY" | tail -n 1) < 4000)); then
        die "an empty Debian with the build tools needs 4 GB in ${TMPDIR:-/tmp}; set TMPDIR to a folder with room"
    fi
    step debootstrap debootstrap --variant=minbase bookworm "$EMPTY" "$mirror" || {
        tail -n 3 "$EMPTY/debootstrap/debootstrap.log" >&2 2>/dev/null || true
        die "debootstrap could not make a Debian from $mirror"
    }
    {
        echo "deb $mirror bookworm main"
        echo "deb $mirror bookworm-updates main"
        if [[ -n $security ]]; then echo "deb $security bookworm-security main"; fi
    } >"$EMPTY/etc/apt/sources.list"
    # Proxies and certificates of this network, nothing else of the host's settings.
    apt-config dump | grep -E '^Acquire::(http|https|ftp)::([^ ]*Proxy|CaInfo|CaPath|Verify)' \
        >"$EMPTY/etc/apt/apt.conf.d/90host" || true
    cp -L /etc/resolv.conf /etc/hosts "$EMPTY/etc/"
}

# in_empty_debian COMMAND: runs a shell command line inside, in /root, with nothing of this
# environment but the terminal and the proxies.
in_empty_debian() {
    # shellcheck disable=SC2016  # expands in the inner shell
    unshare --mount --pid --fork --kill-child --propagation private bash -c '
        set -e
        mount -t proc proc "$1/proc"
        mount --rbind /sys "$1/sys"
        mount --rbind /dev "$1/dev"
        exec chroot "$1" /usr/bin/env -i HOME=/root TERM="${TERM:-dumb}" \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
            /bin/bash -c "cd /root && $2"' inner "$EMPTY" "$1" </dev/null
}
