#!/usr/bin/env python3
"""Every header compiles alone and twice, with gcc and clang-14."""
import concurrent.futures
import os
import shutil
import subprocess
import sys

BUILD = os.environ.get("BUILD", "build")
FLAGS = ["-std=c17", "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef",
         "-Wstrict-prototypes", "-Werror", "-D_POSIX_C_SOURCE=200809L", "-D_DEFAULT_SOURCE", "-I.",
         f"-I{BUILD}/generated", "-x", "c", "-"]
# Static helpers of a header that nobody calls are no fault of the header.
FLAGS.insert(2, "-Wno-unused-function")
# tests/tap.h defines the test's own counters: it is for programs, and used once in each.
FOLDERS = ("base", "bloom", "urls", "pir-server", "testvectors", "tools", "tests")


def headers():
    found = []
    for top in FOLDERS:
        for folder, _, names in os.walk(top):
            # *_wide.h is a kernel's loops, in terms of a register type that its includer defines.
            found += [os.path.join(folder, name) for name in names
                      if name.endswith(".h") and not name.endswith("_wide.h")]
    return sorted(found)


def compile_alone(compiler, header):
    extra = ["-mavx2", "-mbmi2"] if header.endswith("_avx2.h") else []
    extra += ["-mavx512f"] if header.endswith("_avx512.h") else []
    text = f'#include "{header}"\n#include "{header}"\n'
    if header == "tests/tap.h":
        text += "int main(void) { return tap_finish(); }\n"
    done = subprocess.run([compiler, *extra, *FLAGS], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return header, done.returncode == 0, done.stdout


def main():
    failed = number = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for compiler in (os.environ.get("CC", "gcc"), "clang-14"):
            if not shutil.which(compiler):
                number += 1
                print(f"ok {number} - # SKIP {compiler} is not installed")
                continue
            jobs = [pool.submit(compile_alone, compiler, header) for header in headers()]
            bad = [job.result() for job in jobs if not job.result()[1]]
            number += 1
            failed += bool(bad)
            print(f"{'not ok' if bad else 'ok'} {number} - {compiler}: {len(jobs)} headers compile alone")
            for header, _, text in bad:
                print(f"# {header}")
                for line in text.splitlines()[:12]:
                    print(f"#   {line}")
    print(f"1..{number}")
    return 1 if failed else 0


sys.exit(main())
