#!/bin/sh
# Installs what is missing, from Debian's packages.
#
#     scripts/setup.sh [build] [demo] [check] [bench] [valgrind] [fuzz]
#                      [assert] [bare]
#
# build      compiler, PostgreSQL's server headers, libcurl, json-c
# demo       build, and a PostgreSQL server and Python to run it with
# check      demo, and what the tests need besides
# bench      demo, and what the benchmarks need besides
# valgrind   valgrind alone
# fuzz       clang with libFuzzer and the sanitizers
# assert     what scripts/assert-server.sh needs
# bare       what scripts/prove-bare.sh needs
#
# Nothing is asked, and nothing that is there is touched: each thing is looked
# for by what the build uses of it, not by its package.
set -eu

version=${PG_VERSION:-15}
pg_config=${PG_CONFIG:-pg_config}
missing=

have() { command -v "$1" >/dev/null 2>&1; }
exists() { [ -e "$1" ]; }
# $1 is what pg_config has to know, $2 what has to be below it
pg_has() { have "$pg_config" && [ -e "$("$pg_config" "$1")$2" ]; }
# PACKAGE TEST...  (groups are functions with a prefix: `have` must not find them)
need() {
    package=$1
    shift
    "$@" || missing="$missing $package"
}

group_build() {
    need gcc have gcc
    need make have make
    need libc6-dev exists /usr/include/stdio.h
    # the headers, not PGXS: that comes with the client
    need "postgresql-server-dev-$version" pg_has --includedir-server /postgres.h
    need libcurl4-openssl-dev have curl-config
    need libjson-c-dev exists /usr/include/json-c/json.h
}

group_demo() {
    group_build
    need "postgresql-$version" pg_has --bindir /initdb
    need python3 have python3
}

group_node() {
    need nodejs have node
    need npm have npm
}

# it stands where only root looks
group_nginx() {
    need nginx exists /usr/sbin/nginx
}

group_check() {
    group_demo
    group_node
    need "postgresql-$version-cron" pg_has --pkglibdir /pg_cron.so
    group_nginx
    need curl have curl
    need openssl have openssl
    need cppcheck have cppcheck
}

group_bench() {
    group_demo
    group_node
    group_nginx
    need openssl have openssl
    group_valgrind
}

group_valgrind() {
    need valgrind have valgrind
}

can_fuzz() {
    have clang &&
        ls "$(clang -print-resource-dir)"/lib/linux/libclang_rt.fuzzer_no_main-*.a >/dev/null 2>&1
}

group_fuzz() {
    need clang can_fuzz
    need libclang-rt-dev can_fuzz
    need llvm have llvm-symbolizer
    # the pattern's first match, or the pattern itself
    need g++ exists /usr/lib/gcc/*/*/libstdc++.so
}

group_assert() {
    need gcc have gcc
    need make have make
    need dpkg-dev have dpkg-source
    need bzip2 have bzip2
    need xz-utils have xz
    need perl have perl
    need pkgconf have pkg-config
    need libicu-dev exists /usr/include/unicode/ucol.h
    need valgrind exists /usr/include/valgrind/memcheck.h
}

group_bare() {
    need debootstrap have debootstrap
    need git have git
}

for group; do
    case $group in
        build | demo | check | bench | valgrind | fuzz | assert | bare) "group_$group" ;;
        *)
            echo "setup.sh: there is no group \"$group\"" >&2
            exit 2
            ;;
    esac
done
[ -n "$missing" ] || exit 0

# sorted, each once
# shellcheck disable=SC2086  # one word for each package
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
if ! have apt-get; then
    echo "setup.sh: please install the equivalent of: $missing" >&2
    exit 1
fi
echo "setup: installing $missing"
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo

# A server that is installed for tests must not be left running.
no_cluster=/etc/postgresql-common/createcluster.d/trigger_fdw.conf
no_service=/usr/sbin/policy-rc.d
made=
# shellcheck disable=SC2086  # one word for each file
trap '[ -z "$made" ] || $sudo rm -f $made' EXIT
case $missing in
    *"postgresql-$version "*)
        made=$no_cluster
        $sudo mkdir -p "${no_cluster%/*}"
        echo "create_main_cluster = false" | $sudo tee "$no_cluster" >/dev/null
        ;;
esac
case $missing in
    *"nginx "*)
        if ! exists $no_service; then
            made="$made $no_service"
            printf '#!/bin/sh\nexit 101\n' | $sudo tee $no_service >/dev/null
            $sudo chmod 755 $no_service
        fi
        ;;
esac
log=$(mktemp)
apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" </dev/null >"$log" 2>&1 || {
        cat "$log" >&2
        echo "setup.sh: apt-get $1 failed" >&2
        exit 1
    }
}
apt update
# shellcheck disable=SC2086  # one word for each package
apt install -y --no-install-recommends $missing
rm -f "$log"
