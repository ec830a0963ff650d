#!/usr/bin/env python3
"""Fuzz the parts that read what others have written.

    python3 test/fuzz/run.py [--seconds N] [--list] [target ...]
    python3 test/fuzz/run.py target --input FILE

Each target gets an equal share of the seconds (FUZZ_SECONDS, by default 600).
What libFuzzer finds is left in test/fuzz/found/ and can be run again with
--input. FUZZ_CORPUS names a directory in which inputs that reach new code are
kept from one run to the next, one directory for each target.
"""
import argparse
import glob
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))

import shadow  # noqa: E402

TARGETS = sorted(re.search(r"target_(\w+)\.c$", path).group(1)
                 for path in glob.glob(os.path.join(HERE, "target_*.c")))
FOUND = os.path.join(HERE, "found")
FLAGS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fPIC", "-fno-strict-aliasing", "-fwrapv",
         "-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize-recover=undefined",
         "-fno-sanitize=function"]
# strlcpy and the like are the server's
WARNINGS = ["-Wall", "-Werror", "-Wno-ignored-attributes"]


def clang():
    """The compiler: Debian's default, or the only one there is."""
    return shutil.which("clang") or sorted(glob.glob("/usr/bin/clang-[0-9]*"))[-1]


def runtime(name):
    """Path of one of the compiler's run-time libraries."""
    machine = os.uname().machine
    directory = subprocess.check_output([clang(), "-print-runtime-dir"], text=True).strip()
    resources = subprocess.check_output([clang(), "-print-resource-dir"], text=True).strip()
    for path in (os.path.join(directory, f"libclang_rt.{name}"),
                 *(os.path.join(resources, "lib", "linux",
                                f"libclang_rt.{stem}-{machine}{extension}")
                   for stem, extension in [os.path.splitext(name)])):
        if os.path.exists(path):
            return path
    sys.exit(f"clang's library {name} is missing (package libclang-rt-dev)")


def compile_one(source, build, flags):
    """Start a compiler; returns the process and the object file."""
    target = os.path.join(build, os.path.basename(source) + ".o")
    return subprocess.Popen([clang(), *FLAGS, *flags, "-c", source, "-o", target]), target


def compile_all(build):
    """Make trigger_fuzz.so of the extension, the driver and all targets."""
    include = shadow.ask("--includedir-server")
    control = os.path.join(TOP, "trigger_fdw.control")
    with open(control, encoding="ascii") as file:
        version = re.search(r"^default_version = '(.*)'", file.read(), re.MULTILINE).group(1)
    flags = ["-I", include, "-I", os.path.join(TOP, "fdw"), "-D_GNU_SOURCE",
             f'-DTRIGGER_FDW_VERSION="{version}"']
    # the contexts of the extension are watched as well
    own = ["-DAllocSetContextCreateInternal=trigger_guard_context_create"]
    objects = []
    waiting = []
    for source in (*sorted(glob.glob(os.path.join(TOP, "fdw", "*.c"))),
                   os.path.join(HERE, "fuzz.c"), os.path.join(TOP, "test", "sanitize", "guard.c"),
                   *(os.path.join(HERE, f"target_{name}.c") for name in TARGETS)):
        ours = os.path.dirname(source) == HERE
        process, target = compile_one(source, build, [*flags, *(WARNINGS if ours else ["-w"]),
                                                      *([] if "guard" in source else own)])
        objects.append(target)
        waiting.append(process)
        if len(waiting) == 2:
            finish(waiting.pop(0))
    for process in waiting:
        finish(process)
    module = os.path.join(build, "trigger_fuzz.so")
    subprocess.run([clang(), "-shared", "-shared-libasan",
                    # or the preloaded library would take the counters of coverage
                    "-Wl,-Bsymbolic", "-o", module, *objects,
                    runtime("fuzzer_no_main.a"), "-lstdc++", "-lm", "-lcurl", "-ljson-c"],
                   check=True)
    return module


def finish(process):
    """Wait for a compiler."""
    if process.wait():
        sys.exit(1)


def demote():
    """PostgreSQL does not run as root."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)


def give(path):
    """Let the server write there."""
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "postgres:", path], check=True)


def quote(text):
    return "'" + text.replace("'", "''") + "'"


def run(target, directory, arguments, patience=300):
    """Run libFuzzer in a single-user backend; returns its output."""
    bindir = shadow.ask("--bindir")
    data = os.path.join(directory, "data")
    if not os.path.exists(data):
        subprocess.run([os.path.join(bindir, "initdb"), "-D", data, "-U", "postgres", "-N",
                        "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"], cwd=directory,
                       preexec_fn=demote, stdout=subprocess.DEVNULL, check=True)
    statements = ("CREATE OR REPLACE FUNCTION fuzz(text, text[]) RETURNS void"
                  " AS '$libdir/trigger_fuzz' LANGUAGE c\n"
                  f"SELECT fuzz({quote(target)}, ARRAY[{', '.join(map(quote, arguments))}])\n")
    environment = {
        **os.environ, "LD_PRELOAD": runtime("asan.so"),
        # what the server itself still has when it ends is no leak
        "ASAN_OPTIONS": "detect_leaks=1:leak_check_at_exit=0:abort_on_error=1:"
                        "handle_abort=1:allow_user_segv_handler=1:detect_odr_violation=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "ASAN_SYMBOLIZER_PATH": shutil.which("llvm-symbolizer") or "",
    }
    with subprocess.Popen([os.path.join(bindir, "postgres"), "--single", "-D", data,
                           "-c", "timezone=UTC", "-c", "fsync=off",
                           "-c", "log_min_messages=fatal", "postgres"],
                          cwd=directory, preexec_fn=demote, env=environment, text=True,
                          errors="replace", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            output = process.communicate(statements, timeout=patience)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            output = process.communicate()[0] + f"\nno end after {patience} s\n"
    # a backend that died has left its lock behind
    lock = os.path.join(data, "postmaster.pid")
    if os.path.exists(lock):
        os.unlink(lock)
    return output


def fuzz(target, directory, seconds):
    """Fuzz one target; returns whether it is clean, and the number of inputs."""
    seeds = os.path.join(HERE, "corpus", target)
    if not os.path.isdir(seeds) or not os.listdir(seeds):
        print(f"{target}: no seeds in corpus/{target}")
        return False, 0
    kept = os.environ.get("FUZZ_CORPUS")
    places = {name: os.path.join(directory, name, target) for name in ("seeds", "work", "found")}
    shutil.copytree(seeds, places["seeds"])
    os.makedirs(places["found"])
    if kept and os.path.isdir(os.path.join(kept, target)):
        shutil.copytree(os.path.join(kept, target), places["work"])
    else:
        os.makedirs(places["work"])
    for path in places.values():
        give(path)
    options = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=2048",
               "-print_final_stats=1", "-use_value_profile=1",
               f"-artifact_prefix={places['found']}/", places["work"], places["seeds"]]
    output = run(target, directory, options, seconds + 120)
    if kept:
        shutil.copytree(places["work"], os.path.join(kept, target), dirs_exist_ok=True)
    done = re.search(r"^Done (\d+) runs", output, re.MULTILINE)
    if done and not os.listdir(places["found"]):
        covered = re.findall(r"cov: (\d+)", output)
        print(f"{target}: {done.group(1)} inputs in {seconds} s, nothing found "
              f"(coverage {covered[-1] if covered else 0})", flush=True)
        return int(done.group(1)) > 0, int(done.group(1))
    os.makedirs(FOUND, exist_ok=True)
    print("\n".join(output.splitlines()[-80:]))
    for name in os.listdir(places["found"]):
        shutil.copy(os.path.join(places["found"], name), os.path.join(FOUND, f"{target}-{name}"))
        print(f"{target}: see test/fuzz/found/{target}-{name}", flush=True)
    return False, 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int,
                        default=int(os.environ.get("FUZZ_SECONDS") or 600),
                        help="for all targets together")
    parser.add_argument("--list", action="store_true", help="name the targets")
    parser.add_argument("--input", metavar="FILE", help="run only this input")
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []])
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(TARGETS))
        return 0
    targets = arguments.target or TARGETS
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        os.environ["PG_CONFIG"] = shadow.make(os.path.join(directory, "postgresql"))
        build = os.path.join(directory, "build")
        os.makedirs(build)
        shutil.copy(compile_all(build), shadow.ask("--pkglibdir"))
        server = os.path.join(directory, "server")
        os.makedirs(server)
        give(server)
        if arguments.input:
            copy = os.path.join(server, "input")
            shutil.copy(arguments.input, copy)
            os.chmod(copy, 0o644)
            output = run(targets[0], server, [copy])
            print(output)
            return 0 if re.search(r"^Executed .* in", output, re.MULTILINE) else 1
        for target in targets:
            clean, _ = fuzz(target, server, max(1, arguments.seconds // len(targets)))
            failed += not clean
    print(f"{len(targets) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
