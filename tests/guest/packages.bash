# Getting at Debian's packages without installing any: what fetch and qemu10 share. The caller has set
# arch, cache (a folder), guest (the folder of the names that point into it) and scratch.
# shellcheck shell=bash

apt_options=(-qq -o APT::Sandbox::User=root -o Debug::NoLocking=1)

say() { echo "${0##*/}: $*" >&2; }
fail() { say "$@"; exit 1; }

# lock_cache: one run at a time; makes the folders and takes their full names.
lock_cache() {
    mkdir -p "$guest" "$cache"
    guest=$(realpath "$guest")
    cache=$(realpath "$cache")
    exec 9>"$cache/.lock"
    flock 9
    scratch=$cache/.new
    trap 'rm -rf "$scratch"' EXIT
}

# own_lists FOLDER: package lists below it, of $arch, which need not be the host's architecture.
own_lists() {
    mkdir -p "$1"/lists/partial "$1"/cache/archives/partial
    : >"$1/status"
    apt_options+=(-o "APT::Architecture=$arch" -o "APT::Architectures::=$arch"
        -o "Dir::State::status=$1/status" -o "Dir::State::lists=$1/lists" -o "Dir::Cache=$1/cache")
}

# unpack_packages NAME...: them and all that they depend on, as files alone, to $scratch/root. Those
# that $scratch/status names count as there.
unpack_packages() {
    local deb
    mkdir -p "$scratch"/{root,archives/partial} && touch "$scratch/status" &&
        apt-get "${apt_options[@]}" -o Dir::State::status="$scratch/status" \
            -o Dir::Cache::archives="$scratch/archives" \
            -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
            -y --no-install-recommends --download-only install "$@" || return 1
    for deb in "$scratch"/archives/*.deb; do
        dpkg-deb -x "$deb" "$scratch/root" || return 1
    done
}

# link_to TARGET NAME: $guest/NAME, unless it is TARGET itself.
link_to() {
    [[ $1 != "$guest/$2" && $(readlink "$guest/$2" || true) != "$1" ]] || return 0
    ln -sfn "$1" "$guest/.$2"
    mv -T "$guest/.$2" "$guest/$2"
}
