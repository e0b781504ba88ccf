"""A slow Bloom filter written from PROTOCOL section 2 alone (standard library), and what the tests
of blindlist bloom share. The builder can be told to make the mistakes that builders make.
"""
import hashlib
import math
import os
import plistlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from tap import check, finish  # noqa: E402

PROGRAM = os.path.join(os.environ.get("BUILD", "build"), "blindlist")
M32 = 0xFFFFFFFF


def run(*arguments, stdin=None, limit_s=PROGRAM_S):
    done = subprocess.run([PROGRAM, "bloom", *map(str, arguments)], capture_output=True,
                          timeout=limit_s, stdin=stdin or subprocess.DEVNULL)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


# ---- the slow filter ----

def fnv1a(data):
    h = 0x811C9DC5
    for byte in data:
        h = (h ^ byte) * 0x01000193 & M32
    return h


def fnv1(data):
    h = 0x811C9DC5
    for byte in data:
        h = (h * 0x01000193 & M32) ^ byte
    return h


def murmur3(data, seed):
    def rotl(x, r):
        return (x << r | x >> (32 - r)) & M32

    h = seed
    blocks = len(data) // 4
    for i in range(blocks):
        k = struct.unpack_from("<I", data, 4 * i)[0]
        h ^= rotl(k * 0xCC9E2D51 & M32, 15) * 0x1B873593 & M32
        h = (rotl(h, 13) * 5 + 0xE6546B64) & M32
    k = int.from_bytes(data[4 * blocks:], "little")
    h ^= rotl(k * 0xCC9E2D51 & M32, 15) * 0x1B873593 & M32
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & M32
    h = (h ^ h >> 13) * 0xC2B2AE35 & M32
    return h ^ h >> 16


def geometry(count, rate):
    bits = math.ceil(-(count * math.log(rate)) / (math.log(2) ** 2))
    return bits, math.ceil(bits / count * math.log(2))


def default_seed(keys):
    return int.from_bytes(hashlib.sha256(b"".join(k + b"\n" for k in keys)).digest()[:4], "little")


def slow_bits(keys, bits, hashes, seed, first_hash=fnv1a, sums="32", swapped=False, msb=False,
              start=0, modulus=None, form=lambda key: key):
    data = bytearray((bits + 7) // 8)
    modulus = modulus or bits
    for key in keys:
        key = form(key)
        h1, h2 = first_hash(key), murmur3(key, seed)
        if swapped:
            h1, h2 = h2, h1
        for i in range(start, start + hashes):
            if sums == "32":
                total = (h1 + i * h2) & M32
            elif sums == "64":
                total = h1 + i * h2
            else:
                total = h1 + (i * h2 & M32)
            position = total % modulus
            data[position // 8] |= 0x80 >> position % 8 if msb else 1 << position % 8
    return bytes(data)


# ---- helpers ----

def write_keys(path, keys, end=b"\n"):
    with open(path, "wb") as out:
        for key in keys:
            out.write(key + end)


def random_keys(count, seed):
    draw = random.Random(seed)
    return [f"{draw.choice(['ads', 'cdn', 't'])}{draw.randrange(10**6)}.example{i}.com"
            f"{draw.choice(['', '/', '/a/b.html', '/x?id=%d' % i])}".encode() for i in range(count)]


def plist_of(data, bits, hashes, seed, count, rate=0.001):
    return plistlib.dumps({"bitCount": bits, "byteCount": len(data), "data": data,
                           "falsePositiveTolerance": rate, "hashCount": hashes,
                           "itemCount": count, "murmurSeed": seed})


def main(tests):
    """Runs tests(at), where at(name) is a path in a folder of their own; the exit status."""
    folder = tempfile.mkdtemp()
    try:
        tests(lambda name: os.path.join(folder, name))
        left = [name for _, _, files in os.walk(folder) for name in files if name.endswith(".tmp")]
        check(not left, "no temporary file is left", left)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return finish()
