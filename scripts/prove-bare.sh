#!/bin/sh
# Proves that `make demo` and `make check` need nothing but a bare Debian 12.
#
#     scripts/prove-bare.sh [--user] [TARGET...]        (as root)
#
# Makes a minimal Debian with make in a temporary directory, copies this tree
# into it, and runs the targets (default: demo check) there: as root, or with
# --user as a user who may use sudo.  Packages come from where this machine's
# apt takes them.  About a gigabyte and ten minutes; nothing is left behind.
set -eu
cd "$(dirname "$0")/.."

user=root
packages=make,ca-certificates
if [ "${1:-}" = --user ]; then
    user=newcomer
    packages=$packages,sudo
    shift
fi
[ $# -gt 0 ] || set -- demo check
[ "$(id -u)" = 0 ] || { echo "prove-bare.sh: must be root" >&2; exit 1; }

# Mounts and processes of the new system end with these namespaces.
if [ -z "${BARE_INSIDE:-}" ]; then
    scripts/setup.sh bare
    root=$(mktemp -d /var/tmp/trigger_bare.XXXXXX)
    trap 'rm -rf "$root"' EXIT
    [ $user = root ] || set -- --user "$@"
    status=0
    BARE_INSIDE=$root unshare --mount --pid --fork --kill-child "$0" "$@" || status=$?
    exit $status
fi
root=$BARE_INSIDE
chmod 755 "$root"

# shellcheck disable=SC2016  # apt's own variables
mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^bookworm //p' | head -n 1)
echo "prove-bare: making a minimal Debian"
debootstrap --variant=minbase --include="$packages" bookworm "$root" ${mirror:+"$mirror"} \
    >"$root.log" 2>&1 || { tail "$root.log"; exit 1; }
rm -f "$root.log"

# how this machine reaches its packages
rm -f "$root/etc/apt/sources.list"
cp -r /etc/apt/sources.list* "$root/etc/apt/"
apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/90host" || :
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp -r /usr/local/share/ca-certificates "$root/usr/local/share/"
chroot "$root" update-ca-certificates >/dev/null 2>&1

mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"

# What a clone would hold, changes that are not committed included.
home=/root
if [ $user != root ]; then
    chroot "$root" useradd -m $user
    echo "$user ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$user"
    home=/home/$user
fi
mkdir "$root$home/trigger_fdw"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -c |
    tar -x -C "$root$home/trigger_fdw"
chroot "$root" chown -R $user: "$home/trigger_fdw"

status=0
for target; do
    echo "prove-bare: make $target as $user"
    begun=$(date +%s)
    chroot "$root" su $user -c "cd $home/trigger_fdw && ${NODE_EXTRA_CA_CERTS:+
        NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt} \
        make $target </dev/null" || status=1
    echo "prove-bare: make $target: status $status, $(($(date +%s) - begun)) seconds"
done
clusters=$(chroot "$root" sh -c 'command -v pg_lsclusters >/dev/null && pg_lsclusters -h' || :)
if [ -n "$clusters" ]; then
    echo "prove-bare: a cluster was made: $clusters"
    status=1
fi
exit $status
