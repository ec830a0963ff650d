#!/usr/bin/env python3
"""The JSON reader accepts exactly what PostgreSQL's own parser accepts.

    python3 test/json/run.py [--seed N] [--cases N]

Texts are mutated from a small corpus: bytes changed, dropped, doubled and
spliced, which reaches every error branch of both.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))

from cluster import Cluster  # noqa: E402

CORPUS = [
    b'{"data":[{"id":"run_1","n":1.5e-3,"t":true,"f":false,"z":null}],"pagination":{}}',
    b'[]', b'{}', b'""', b'0', b'-0.0E+10', b'[[[[{"a":[{}]}]]]]', b' \t\r\n[1 , 2]\n',
    b'"\\u0000\\ud83d\\ude00\\\\\\"\\/\\b\\f\\n\\r\\t"', '"héllo ✓ \U0001f600 12345678"'.encode(),
    b'{"a":1,"a":2}', b'[18446744073709551616,0.12345678901234567890123,1e400]',
    b'"0123456789abcdef0123456789abcdef\\n0123456789"', b'[true,false,null]',
    b'{"key one":"value \\u00e9","k":{"k":{"k":"k"}}}',
]
ALPHABET = b'{}[]:,"\\ \t\n0123456789.eE+-truefalsn/bu\x00\x01\x1f\x7f\x80\xc3\xa9\xff\xed\xa0'


def compile_module(directory):
    """Build jsoncheck.so outside the source tree."""
    config = os.environ.get("PG_CONFIG", "pg_config")
    include = subprocess.check_output([config, "--includedir-server"], text=True).strip()
    module = os.path.join(directory, "jsoncheck.so")
    subprocess.run(["gcc", "-O2", "-fPIC", "-shared", "-I", include, "-I",
                    os.path.join(HERE, "..", "..", "fdw"), "-o", module,
                    os.path.join(HERE, "jsoncheck.c")], check=True)
    os.chmod(directory, 0o755)
    return module


def mutate(rng):
    text = bytearray(rng.choice(CORPUS))
    for _ in range(rng.choice((0, 1, 1, 2, 3, 6))):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            text[at:at] = bytes([rng.choice(ALPHABET)])
        elif kind == 1:
            del text[at:at + rng.randrange(1, 4)]
        elif kind == 2 and text:
            text[at % len(text)] = rng.choice(ALPHABET)
        else:
            other = rng.choice(CORPUS)
            start = rng.randrange(len(other))
            text[at:at] = other[start:start + rng.randrange(1, 12)]
    return bytes(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--cases", type=int, default=20000)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    rng = random.Random(options.seed)
    failed = passed = accepted = 0
    with tempfile.TemporaryDirectory() as directory, Cluster() as cluster, \
            cluster.connect() as session:
        module = compile_module(directory)
        for name in ("json_reader_accepts", "json_parser_accepts"):
            session.query(f"CREATE FUNCTION {name}(bytea) RETURNS boolean "
                          f"AS '{module}' LANGUAGE c STRICT")
        texts = list(CORPUS) + [mutate(rng) for _ in range(options.cases)]
        # the depth at which the reader stops is its own
        texts += [b"[" * n + b"]" * n for n in (100, 1023, 1024)]
        for start in range(0, len(texts), 500):
            values = ", ".join(f"('\\x{text.hex()}'::bytea)" for text in texts[start:start + 500])
            for text, ours, theirs in session.query(
                    "SELECT t, json_reader_accepts(t), json_parser_accepts(t) "
                    f"FROM (VALUES {values}) v(t)"):
                accepted += ours == "t"
                if ours == theirs:
                    passed += 1
                else:
                    failed += 1
                    print(f"differs: {bytes.fromhex(text[2:])!r}: ours {ours}, PostgreSQL {theirs}")
    # a generator that makes nothing valid, or nothing invalid, proves nothing
    if not 0.05 < accepted / len(texts) < 0.95:
        print(f"the texts are of one kind only: {accepted} of {len(texts)} accepted")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
