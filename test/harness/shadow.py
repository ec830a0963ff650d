"""A second installation beside the one of PG_CONFIG, made of links.

An extension that is built in another way must not take the place of the one
that is installed. PostgreSQL finds its directories relative to its programs,
so a copy of those and links to the rest are an installation of their own,
into which such an extension can be installed.
"""
import os
import shutil
import subprocess

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def ask(option):
    """What pg_config says."""
    config = os.environ.get("PG_CONFIG", "pg_config")
    return subprocess.check_output([config, option], text=True).strip()


def link_entries(source, target):
    """A directory of the same entries."""
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(source):
        if not os.path.lexists(os.path.join(target, name)):
            os.symlink(os.path.join(source, name), os.path.join(target, name))


def make(directory):
    """Make the installation in a new directory; returns its pg_config."""
    bindir = ask("--bindir")
    # the deepest first, so that a directory within another is not its link
    places = sorted({ask("--" + name) for name in ("sharedir", "pkglibdir", "includedir-server",
                                                   "includedir", "pkgincludedir", "libdir")}
                    | {os.path.join(ask("--sharedir"), "extension")},
                    key=lambda path: -path.count("/"))
    top = os.path.commonpath([bindir, *places])
    copied = os.path.join(directory, os.path.relpath(bindir, top))
    shutil.copytree(bindir, copied)
    for place in places:
        if os.path.isdir(place) and os.path.abspath(place) != top:
            link_entries(place, os.path.join(directory, os.path.relpath(place, top)))
    # what is to be installed must not follow the links
    for place, names in ((ask("--pkglibdir"), ["trigger_fdw.so"]),
                         (os.path.join(ask("--sharedir"), "extension"), None)):
        target = os.path.join(directory, os.path.relpath(place, top))
        for name in names or [n for n in os.listdir(target) if n.startswith("trigger_fdw")]:
            if os.path.lexists(os.path.join(target, name)):
                os.unlink(os.path.join(target, name))
    os.chmod(directory, 0o755)
    return os.path.join(copied, "pg_config")


def copy(directory):
    """Copy what the extension is built from; returns the new directory."""
    os.makedirs(directory)
    for name in ("fdw", "Makefile", "trigger_fdw.control", "META.json"):
        source = os.path.join(TOP, name)
        if os.path.isdir(source):
            shutil.copytree(source, os.path.join(directory, name),
                            ignore=shutil.ignore_patterns("*.o", "*.so", "*.bc"))
        else:
            shutil.copy(source, directory)
    return directory


def install(directory, *variables):
    """Build the extension in a new directory, and install it into PG_CONFIG's.

    `variables` are make's. Returns the directory.
    """
    copy(directory)
    subprocess.run(["make", "-s", "-j2", *variables], cwd=directory, check=True)
    subprocess.run(["make", "-s", "install", *variables], cwd=directory, check=True)
    return directory
