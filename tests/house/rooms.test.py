#!/usr/bin/env python3
"""The house passes scripts/check-rooms, and a small house with one fault does not."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import check, finish  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

def run(root):
    done = subprocess.run([sys.executable, f"{TOP}/scripts/check-rooms", "--root", root],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def header(path, body=""):
    guard = "BLINDLIST_" + path.upper().replace("/", "_").replace(".", "_").replace("-", "_")
    return f"/* x - a thing. */\n#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


SOUND = {
    "base/mem.h": header("base/mem.h"),
    "base/mem.c": '#include "base/mem.h"\nvoid *f(void) { return malloc(1); }\n',
    "pir-server/ring/ntt.h": header("pir-server/ring/ntt.h", '#include "base/mem.h"'),
    "pir-server/bfv/key.h": header("pir-server/bfv/key.h", '#include "pir-server/ring/ntt.h"'),
    "pir-server/service/adapter.c": "#include <microhttpd.h>\n",
    "pir-server/store/store.c": "#include <sqlite3.h>\n",
    "pir-server/wire/wire.c": '#include "pir-server/wire/x.pb-c.h"\n/* malloc() and exit() are words\n'
                              "   printf(x) too */\n",
    "pir-server/main.c": '#include "pir-server/bfv/key.h"\nint main(void) { exit(0); }\n',
    "docs/man/blindlist-server.8": "",
    "tools/cmd_check.c": "#include <curl/curl.h>\nint f(void) { printf(\"x\"); return 0; }\n",
    "docs/man/blindlist-check.1": "",
    "fuzz/fuzz_a.c": "",
    "fuzz/corpus/a/one": "1",
    "tests/base/test_mem.c": '#include "pir-server/bfv/key.h"\n',
    "tests/base/test_mem_failures.c": "",
}
FAULTS = [
    ("a room above", "base/mem.c", '#include "pir-server/ring/ntt.h"\n',
     "base must not include pir-server/ring"),
    ("ring that knows bfv", "pir-server/ring/a.c", '#include "pir-server/bfv/key.h"\n',
     "pir-server/ring must not include pir-server/bfv"),
    ("a tool that knows the service", "tools/cmd_check.c", '#include "pir-server/service/http.h"\n',
     "tools must not include pir-server/service"),
    ("an include that skips the top", "pir-server/bfv/a.c", '#include "key.h"\n',
     "is not a path from the top"),
    ("a source included", "pir-server/bfv/a.c", '#include "base/mem.c"\n', "includes the source file"),
    ("SQLite outside store", "pir-server/service/a.c", "#include <sqlite3.h>\n", "is for pir-server/store"),
    ("protobuf-c outside wire", "pir-server/pir/a.c", "#include <protobuf-c/protobuf-c.h>\n",
     "is for pir-server/wire"),
    ("a second adapter", "pir-server/service/a.c", "#include <microhttpd.h>\n", "one adapter file"),
    ("libmicrohttpd outside service", "tools/a.c", "#include <microhttpd.h>\n",
     "is for pir-server/service"),
    ("a library in the bare bloom", "bloom/a.c", "#include <openssl/evp.h>\n", "openssl/evp.h is for"),
    ("a name used twice", "urls/mem.c", "\n", "the name is taken by base/mem.c"),
    ("a program", "a_out", "\x7fELF and more", "is an ELF file"),
    ("a library", "docs/libx", "!<arch>\nx", "is an archive of objects"),
    ("a large file", "docs/all.txt", "x" * 65537, "has 65537 bytes, at most 65536"),
    ("a header without guard", "urls/a.h", "/* a. */\nint x;\n", "no include guard BLINDLIST_..._A_H"),
    ("a header without words", "urls/a.h", header("urls/a.h").split("\n", 1)[1], "what it is"),
    ("malloc", "urls/a.c", "void *f(void) { return malloc(1); }\n", "through base/mem.h"),
    ("printf in a library", "urls/a.c", "void f(void) { printf(1); }\n", "never prints"),
    ("an extension", "urls/a.c", "int __attribute__((cold)) f(void);\n", "base/compiler.h"),
    ("a wide line", "urls/a.c", "/* " + "x" * 100 + " */\n", "has 106 columns"),
    ("a long file", "urls/a.c", "\n" * 900, "are two modules"),
    ("a folder that is no room", "attic/a.c", '#include "base/mem.h"\n', "lies in no room"),
    ("a room that is not drawn", "docs/ARCHITECTURE.md", "    base/    status\n", "does not draw the room tools/"),
    ("a room that is drawn only", "docs/ARCHITECTURE.md", "    bloom/    hashes\n", "draws the room bloom/"),
    ("a fuzz target without corpus", "fuzz/fuzz_b.c", "\n", "has no corpus fuzz/corpus/b/"),
    ("a corpus without target", "fuzz/corpus/c/one", "1", "has no target"),
    ("a fat corpus", "fuzz/corpus/a/two", "x" * 200000, "at most"),
    ("a command without page", "tools/cmd_new.c", "\n", "has no page docs/man/blindlist-new.1"),
    ("a test of nothing", "tests/base/test_other.c", "\n", "tests no module of base/"),
]


def build(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as file:
            file.write(text)


code, out = run(TOP)
check(code == 0, "this house is in order", out)
with tempfile.TemporaryDirectory() as root:
    build(root, SOUND)
    code, out = run(root)
    check(code == 0 and out == "", "a small sound house passes", out)
for what, path, text, expected in FAULTS:
    with tempfile.TemporaryDirectory() as root:
        build(root, dict(SOUND, **{"pir-server/service/http.h": header("pir-server/service/http.h")}))
        build(root, {path: text})
        code, out = run(root)
        check(code == 1 and expected in out, f"is found: {what}", out)
sys.exit(finish())
