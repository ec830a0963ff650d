#!/usr/bin/env python3
"""Rules that this project's files keep, where no compiler says so.

    python3 test/lint/lint.py [-i]         -i also tells of lines over 79 columns

No formatter that Debian has reproduces PostgreSQL's pgindent; these are the
parts of it that matter, the rules for error messages of PostgreSQL's manual
("Error Message Style Guide"), and who may include what.
"""
import ast
import functools
import glob
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAX_COLUMNS = 100
SOFT_COLUMNS = 79
MAX_LINES = 1000

# header (a prefix of what #include names), who may include it or who may not
ONLY_IN = {
    "curl/": r"(http\w*|url)\.[ch]$",
    "json-c/": r"(answer|scope)\.c$",
    "http_internal.h": r"http\w*\.[ch]$",
}
NOT_IN = {
    "optimizer/": r"(http|json|rows|convert)\w*\.[ch]$",
    "nodes/pathnodes.h": r"(http|json|rows|convert)\w*\.[ch]$",
    "json_reader.h": r"(plan|scan|qual|modify|explain|import|analyze)\.[ch]$",
}
TEST_KEY = re.compile(r"tr_(dev|stg|prod|preview|pat)_(sk_)?[A-Za-z0-9]{8,}")
MACHINE_PATH = re.compile(r"(?<![\w.])/(work|root|home)/\w|/tmp/(bugs|bash_jobs)")
REGISTRY = re.compile(r"https?://[\w.-]*(registry|mirror|artifact|\bdeb\b)[\w.-]*", re.IGNORECASE)

problems = []
checks = {}


def check(name):
    """Register a function that looks at one file (path, text, lines)."""
    def register(function):
        checks[name] = function
        return function
    return register


def files():
    """What git knows, or would with `git add`."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        found = subprocess.run(git, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        # no git, or not its tree
        found = [os.path.relpath(os.path.join(directory, name), TOP)
                 for directory, _, names in os.walk(TOP) for name in names
                 if not re.search(r"/(\.git|node_modules|__pycache__)(/|$)", directory)
                 and not name.endswith((".o", ".so", ".bc", ".pyc"))]
    # a seed of a fuzz target is bytes, whatever they look like
    return sorted(path for path in set(found) if path and os.path.isfile(os.path.join(TOP, path))
                  and not path.startswith("test/fuzz/corpus/"))


def width(line):
    return len(line.expandtabs(4))


# every file


@check("white space")
def white_space(path, text, lines):
    if path.startswith("expected/"):
        return                  # whatever psql prints
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if "\r" in line:
            yield number, "carriage return"
        if path.endswith((".py", ".sh", ".mjs", ".js", ".sql", ".json")) and "\t" in line:
            yield number, "tab"
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end of the file"
    if text.endswith("\n\n"):
        yield len(lines), "empty line at the end of the file"


@check("size")
def size(path, _, lines):
    if path.endswith((".c", ".h", ".py", ".sh", ".mjs", ".js")):
        if len(lines) > MAX_LINES:
            yield len(lines), f"more than {MAX_LINES} lines"
        for number, line in enumerate(lines, 1):
            # a message stays in one piece, so that it can be searched for
            if is_c(path):
                line = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
            if width(line) > MAX_COLUMNS:
                yield number, f"{width(line)} columns"


@check("secrets and machines")
def secrets(path, text, lines):
    # the documentation may show the emulator's
    tests = path.startswith(("test/", "sql/", "expected/")) or path.endswith(".md")
    for number, line in enumerate(lines, 1):
        if TEST_KEY.search(line) and not tests:
            yield number, "a key"
        if path == "test/lint/lint.py":
            continue
        if MACHINE_PATH.search(line):
            yield number, "a path of somebody's machine"
        if REGISTRY.search(line):
            yield number, "the address of a package registry"
    if path.endswith("package-lock.json") and '"resolved"' in text:
        yield 1, "where packages were downloaded from (npm config omit-lockfile-registry-resolved)"


# C


def strip_c(text):
    """The text without comments, and with literals emptied; lines stay."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] * 2
        return "\n" * found.count("\n") or " "
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text,
                  flags=re.DOTALL)


def is_c(path):
    return path.endswith((".c", ".h"))


@check("C indentation")
def c_indentation(path, text, lines):
    if not is_c(path):
        return
    comment = False
    for number, line in enumerate(lines, 1):
        indent = re.match(r"[ \t]*", line).group(0)
        if " \t" in indent:
            yield number, "space before tab"
        if not comment and re.match(r"\t* {4,}", indent):
            yield number, "four spaces instead of a tab"
        comment = (comment or "/*" in line) and "*/" not in line.rsplit("/*", 1)[-1]
    code = strip_c(text).splitlines()
    for number, line in enumerate(code, 1):
        if re.match(r"\s*(if|for|while|switch)\(", line):
            yield number, "no blank after the keyword"
        if re.match(r"\s*(if|for|while|switch|else|do)\b.*\{$", line):
            yield number, "brace on the line of its statement"
        if re.match(r"\s*\}\s*else", line):
            yield number, "else on the line of a brace"
        if re.search(r"[^:]//", line):
            yield number, "// comment"


@check("C includes")
def c_includes(path, text, _):
    if not path.startswith("fdw/") or not is_c(path):
        return
    name = os.path.basename(path)
    included = [(text.count("\n", 0, found.start()) + 1, found.group(1))
                for found in re.finditer(r'^#include\s+["<](\S+)[">]', text, re.MULTILINE)]
    for number, header in included:
        for prefix, users in ONLY_IN.items():
            if header.startswith(prefix) and not re.match(users, name):
                yield number, f"{header} does not belong here"
        for prefix, users in NOT_IN.items():
            if header.startswith(prefix) and re.match(users, name):
                yield number, f"{header} does not belong here"
    if name != "compat.h" and "PG_VERSION_NUM" in text:
        yield 1, "PG_VERSION_NUM outside compat.h"
    if path.endswith(".h") and not re.search(r"#ifndef TRIGGER\w*_H\n#define TRIGGER\w*_H\n", text):
        yield 1, "no include guard TRIGGER…_H"
    if not re.match(r"/\*-{73}\n \*\n \* " + re.escape(name) + r"\n", text):
        yield 1, "no header comment with the file's name"


@functools.cache
def explained_in_headers():
    """Functions whose prototype has a comment right above."""
    found = set()
    for path in glob.glob(os.path.join(TOP, "fdw", "*.h")):
        with open(path, encoding="utf-8") as file:
            found.update(re.findall(r"\*/\n[\w ]*[ *](\w+)\(", file.read()))
    return found


@check("C functions")
def c_functions(path, text, lines):
    """Return type on a line of its own, and a comment above, here or in a header."""
    if not path.startswith("fdw/") or not path.endswith(".c"):
        return
    for number, line in enumerate(lines, 1):
        if re.match(r"(static|extern)?[\w *]+\b\w+\([^;]*\)$", line) \
                and number < len(lines) and lines[number] == "{" and " " in line.split("(")[0]:
            yield number, "return type on the line of the function's name"
        if not re.match(r"[a-z_]\w*\(", line):
            continue
        body = number
        while body <= len(lines) and not lines[body - 1].endswith((")", ";")):
            body += 1
        if body >= len(lines) or lines[body] != "{":
            continue            # a prototype, or a macro's use
        above = number - 2      # the return type's index; above it is the comment
        name = line.split("(")[0]
        if lines[above - 1].rstrip().endswith("*/") or name in explained_in_headers():
            continue
        yield number, f"{name} has no comment"


def call_end(text, start):
    """Where the parenthesis at text[start] closes; literals do not count."""
    depth, at = 0, start
    while at < len(text):
        if text[at] == '"':
            at = re.compile(r'"(?:\\.|[^"\\])*"').match(text, at).end()
            continue
        if text[at] == "'":
            at += 3 if text[at + 1] != "\\" else 4
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
        if depth == 0:
            return at
    return at


def messages(call, kind):
    """Format strings of errmsg(…) and the like; adjacent literals are joined."""
    for found in re.finditer(rf"\b{kind}\(", call):
        inside = call[found.end():call_end(call, found.end() - 1) - 1]
        for group in re.findall(r'((?:"(?:\\.|[^"\\])*"\s*(?:U?INT64_FORMAT\s*)?)+)', inside):
            yield "".join(re.findall(r'"((?:\\.|[^"\\])*)"', group))
            if not kind.endswith("_plural"):
                break           # the rest are arguments


@check("C errors")
def c_errors(path, text, _):
    if not path.startswith("fdw/"):
        return
    # a comment must not look like a call; literals stay
    text = re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found.group(0)), text,
                  flags=re.DOTALL)
    for found in re.finditer(r"\bereport\(", text):
        number = text.count("\n", 0, found.start()) + 1
        call = text[found.start():call_end(text, found.end() - 1)]
        level = re.match(r"ereport\(\s*(\w+)", call).group(1)
        if "errcode" not in call and not level.startswith(("DEBUG", "LOG")):
            yield number, "ereport without errcode"
        if not re.search(r"\berrmsg", call):
            yield number, "ereport without errmsg"
    for found in re.finditer(r"\b(errmsg|errdetail|errhint)\w*\(", text):
        number = text.count("\n", 0, found.start()) + 1
        call = text[found.start():call_end(text, found.end() - 1)]
        kind = found.group(0)[:-1]
        for message in messages(call, kind):
            if found.group(1) == "errmsg":
                if message.endswith((".", "!", "\\n")):
                    yield number, f"message ends with punctuation: {message}"
                if re.match(r"[A-Z][a-z]", message):
                    yield number, f"message begins with a capital: {message}"
            else:
                if not re.search(r"([.?]|%s)$", message):
                    yield number, f"{found.group(1)} is no sentence: {message}"
                if re.match(r"[a-z]+ ", message):
                    yield number, f"{found.group(1)} begins with a small letter: {message}"


# other languages


@check("SQL comments")
def sql_comments(path, text, _):
    if not re.match(r"fdw/.*\.sql$", path):
        return
    for found in re.finditer(r"^CREATE (?:OR REPLACE )?(FUNCTION|VIEW|TYPE|AGGREGATE|"
                             r"FOREIGN DATA WRAPPER) (\w+)", text, re.MULTILINE):
        if not re.search(rf"^COMMENT ON {found.group(1)} {found.group(2)}\b", text, re.MULTILINE):
            yield (text.count("\n", 0, found.start()) + 1,
                   f"{found.group(1).lower()} {found.group(2)} has no COMMENT ON")


@check("Python")
def python(path, text, lines):
    if not path.endswith(".py"):
        return
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        yield error.lineno, error.msg
        return
    if text and not ast.get_docstring(tree):
        yield 1, "no docstring that says what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "bare except"
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {part for node in ast.walk(tree) if isinstance(node, ast.Attribute)
              for part in [node.attr]}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = (alias.asname or alias.name).split(".")[0]
                # "noqa" marks an import for others to use
                if name not in names and "F401" not in lines[node.lineno - 1]:
                    yield node.lineno, f"{name} is imported for nothing"


@check("shell")
def shell(path, text, _):
    if path.endswith(".sh") or text.startswith("#!/bin/sh"):
        done = subprocess.run(["sh", "-n", path], cwd=TOP, stderr=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode:
            yield 1, done.stderr.strip()


def cppcheck():
    """One run for all of C; problems as (path, line, text)."""
    done = subprocess.run(
        ["cppcheck", "-q", "-j2", "--std=c99", "--enable=warning,performance,portability,style",
         "--include=test/lint/cppcheck.h", "--template={file}:{line}:{message} ({id})",
         "--template-location=", "--inline-suppr",
         # a declaration at the top of its function is PostgreSQL's style
         "--suppress=variableScope", "--suppress=unusedStructMember",
         # and these do not see through the functions that do not return
         "--suppress=knownConditionTrueFalse", "fdw"],
        cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    for line in done.stdout.splitlines():
        found = re.match(r"([^:]+):(\d+):(.*)", line)
        yield (found.group(1), int(found.group(2)), found.group(3)) if found else ("", 0, line)


def main():
    known = files()
    long_lines = 0
    failed = {}
    for path in known:
        with open(os.path.join(TOP, path), "rb") as file:
            raw = file.read()
        if b"\0" in raw:
            continue
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            failed.setdefault("white space", []).append((path, 1, "not UTF-8"))
            continue
        lines = text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")
        for name, function in checks.items():
            for number, problem in function(path, text, lines):
                failed.setdefault(name, []).append((path, number, problem))
        if is_c(path):
            for number, line in enumerate(lines, 1):
                if width(line) > SOFT_COLUMNS:
                    long_lines += 1
                    if "-i" in sys.argv:
                        print(f"info: {path}:{number}: {width(line)} columns")
    names = list(checks)
    if shutil.which("cppcheck"):
        names.append("cppcheck")
        found = list(cppcheck())
        if found:
            failed["cppcheck"] = found
    else:
        print("cppcheck is missing: its part is left out")
    for name, found in failed.items():
        for path, number, problem in found:
            print(f"{path}:{number}: {problem} [{name}]")
    print(f"{len(known)} files; {long_lines} lines of C have more than {SOFT_COLUMNS} columns")
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
