#!/bin/sh
# Builds a PostgreSQL server with assertions, once, and prints its pg_config.
#
#     scripts/assert-server.sh
#
# From Debian's source package, which is fetched through a sources list of its
# own: what is configured in /etc/apt stays as it is.  Its server also tells
# memcheck about palloc (see test/valgrind/run.py).  It is built without what
# needs further libraries, and kept in a cache directory; to build it again,
# remove that.
set -eu

version=${PG_VERSION:-15}
# root's home is closed to the user that the server runs as
if [ "$(id -u)" = 0 ]; then
    cache=${XDG_CACHE_HOME:-/var/cache}/trigger_fdw
else
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/trigger_fdw
fi
prefix=$cache/postgresql-$version-assert
if [ -x "$prefix/bin/pg_config" ]; then
    echo "$prefix/bin/pg_config"
    exit
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
log=$cache/build.log
echo "assert-server: building PostgreSQL $version (takes some minutes; see $log)" >&2
quietly() {
    "$@" </dev/null >>"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        echo "assert-server.sh: $1 failed" >&2
        exit 1
    }
}
: >"$log"

# the same places as the packages', for sources
mkdir -p "$work/sources.list.d" "$work/lists/partial" "$work/archives/partial"
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    if [ -f "$list" ]; then
        sed -n 's/^deb[[:space:]]/deb-src /p' "$list" \
            >"$work/sources.list.d/$(basename "$list" .list).list"
    fi
done
for list in /etc/apt/sources.list.d/*.sources; do
    if [ -f "$list" ]; then
        sed 's/^Types:.*/Types: deb-src/' "$list" >"$work/sources.list.d/$(basename "$list")"
    fi
done
apt() {
    program=$1
    shift
    "$program" -q -o "Dir::Etc::SourceList=/dev/null" \
        -o "Dir::Etc::SourceParts=$work/sources.list.d" \
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work" \
        -o "Dir::Cache::Archives=$work/archives" -o "APT::Sandbox::User=" "$@"
}
quietly apt apt-get update
cd "$work"
# the newest that can be fetched: a mirror may lack the sources of the last days
for release in $(apt apt-cache showsrc "postgresql-$version" 2>>"$log" |
    sed -n 's/^Version: //p' | sort -ruV); do
    apt apt-get source "postgresql-$version=$release" </dev/null >>"$log" 2>&1 && break
done
cd "postgresql-$version"-*/ || {
    tail -n 30 "$log" >&2
    exit 1
}

# --enable-debug for stacks; -O1 because assertions are slow enough
quietly ./configure --prefix="$prefix.new" --enable-cassert --enable-debug --with-icu \
    --without-readline --without-zlib CFLAGS="-O1 -g -fno-omit-frame-pointer" \
    CPPFLAGS="-DUSE_VALGRIND"
# below another make, PostgreSQL's takes its generated headers for made
unset MAKELEVEL MAKEFLAGS MFLAGS
quietly nice make -j2
quietly make install
for module in auto_explain pg_stat_statements; do
    quietly make -C "contrib/$module" install
done
mv "$prefix.new" "$prefix"
echo "$prefix/bin/pg_config"
