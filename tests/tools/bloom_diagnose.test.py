#!/usr/bin/env python3
"""blindlist bloom diagnose: each mistake is made on purpose by the slow filter, and found by name."""
import json
import random
import sys

import slow_bloom
from slow_bloom import (M32, fnv1, geometry, plist_of, random_keys, run, slow_bits, write_keys)
from tap import check


def check_diagnoses(at):
    keys = random_keys(120, 8)
    # A seed whose spellings all differ: 12345678 = 0xbc614e, and 0x12345678.
    seed = 12345678
    bits, hashes = geometry(len(keys), 0.001)
    bits += 3 if (bits + 3) % 8 else 4  # not whole bytes
    write_keys(at("d.keys"), keys)

    def swapped_bytes(value):
        return int.from_bytes(value.to_bytes(4, "little"), "big")

    def diagnose(data, hash_count=hashes, bit_count=bits, murmur_seed=seed, keys_file="d.keys"):
        with open(at("d.plist"), "wb") as out:
            out.write(plist_of(data, bit_count, hash_count, murmur_seed, len(keys)))
        code, out, err = run("diagnose", at("d.plist"), "--keys", at(keys_file), "--json")
        return code, json.loads(out) if out else {"verdict": err, "mistakes": []}

    def found(expected, data, **options):
        code, verdict = diagnose(data, **options)
        ids = sorted(mistake["id"] for mistake in verdict["mistakes"])
        check(code == 3 and verdict["verdict"] == "mistake" and ids == sorted(expected) and
              verdict["foundThatWay"] == verdict["keys"] and
              verdict["foundAsDevices"] < verdict["keys"] / 2 and verdict["isCertain"],
              f"diagnose {' + '.join(expected)}", verdict)

    code, verdict = diagnose(slow_bits(keys, bits, hashes, seed))
    check(code == 0 and verdict["verdict"] == "right" and verdict["isCertain"], "diagnose right",
          verdict)
    arithmetic = {
        "fnv-1-order": {"first_hash": fnv1}, "64-bit-sums": {"sums": "64"},
        "sum-without-wrap": {"sums": "product"}, "hashes-swapped": {"swapped": True},
        "msb-first": {"msb": True}, "index-from-1": {"start": 1},
        "bits-of-whole-bytes": {"modulus": (bits + 7) // 8 * 8},
        "one-bit-fewer": {"modulus": bits - 1}}
    seeds = {
        "seed-zero": 0, "seed-byte-swapped": swapped_bytes(seed),
        "seed-decimal-as-hex": 0x12345678, "seed-negated": -seed & M32,
        "seed-16-bit": seed & 0xFFFF, "seed-one": 1, "seed-of-examples": 0x9747B28C,
        "seed-of-fnv": 0x811C9DC5}
    forms = {
        "https-in-keys": lambda k: b"https://" + k, "http-in-keys": lambda k: b"http://" + k,
        "www-in-keys": lambda k: b"www." + k, "https-www-in-keys": lambda k: b"https://www." + k,
        "http-www-in-keys": lambda k: b"http://www." + k,
        "https-and-slash-in-keys": lambda k: b"https://" + k + b"/",
        "slash-behind-keys": lambda k: k + b"/", "upper-case-keys": lambda k: k.upper(),
        "lf-behind-keys": lambda k: k + b"\n", "cr-behind-keys": lambda k: k + b"\r",
        "crlf-behind-keys": lambda k: k + b"\r\n", "nul-behind-keys": lambda k: k + b"\0",
        "quoted-keys": lambda k: b'"' + k + b'"',
        "utf-16-keys": lambda k: k.decode().encode("utf-16-le")}
    for name, options in arithmetic.items():
        found([name], slow_bits(keys, bits, hashes, seed, **options))
    for name, other in seeds.items():
        found([name], slow_bits(keys, bits, hashes, other))
    for name, form in forms.items():
        found([name], slow_bits(keys, bits, hashes, seed, form=form))
    found(["seed-hex-as-decimal"], slow_bits(keys, bits, hashes, 12345678), murmur_seed=0x12345678)
    found(["seed-cut-to-signed"], slow_bits(keys, bits, hashes, 2**31 - 1), murmur_seed=0xF00DCAFE)
    found(["seed-without-sign-bit"], slow_bits(keys, bits, hashes, 0x700DCAFE),
          murmur_seed=0xF00DCAFE)
    # One hash fewer than the file says: a key fails only where its last position is not set.
    code, verdict = diagnose(slow_bits(keys, bits, hashes - 3, seed))
    check(code == 3 and [m["id"] for m in verdict["mistakes"]] == ["fewer-hashes"], "fewer hashes",
          verdict)

    for names in (["fnv-1-order", "msb-first"], ["fnv-1-order", "64-bit-sums"],
                  ["hashes-swapped", "seed-byte-swapped"], ["64-bit-sums", "https-in-keys"],
                  ["fnv-1-order", "64-bit-sums", "msb-first"],
                  ["msb-first", "seed-zero", "https-and-slash-in-keys"]):
        options, other, form = {}, seed, lambda key: key
        for name in names:
            options.update(arithmetic.get(name, {}))
            other = seeds.get(name, other)
            form = forms.get(name, form)
        found(names, slow_bits(keys, bits, hashes, other, form=form, **options))

    # Keys given with scheme, filter built without: right, but those are not its keys' spelling.
    write_keys(at("s.keys"), [b"https://www." + key for key in keys])
    found(["scheme-and-www-taken-away"], slow_bits(keys, bits, hashes, seed), keys_file="s.keys")
    code, verdict = diagnose(slow_bits([b"https://www." + k for k in keys], bits, hashes, seed),
                             keys_file="s.keys")
    check(code == 3 and verdict["verdict"] == "unasked-keys" and
          verdict["unaskedKeys"]["withScheme"] == len(keys) == verdict["unaskedKeys"]["withWww"],
          "keys no device asks for", verdict)

    code, verdict = diagnose(slow_bits(keys[: 100], bits, hashes, seed))
    check(code == 3 and verdict["verdict"] == "keys-missing" and verdict["firstAbsentLine"] == 101
          and not verdict["mistakes"], "some keys missing", verdict)
    code, verdict = diagnose(slow_bits(random_keys(120, 99), bits, hashes, seed))
    check(code == 3 and verdict["verdict"] == "not-these-keys", "other keys", verdict)
    noise = random.Random(1).randbytes((bits + 7) // 8 - 1) + b"\0"
    code, verdict = diagnose(noise)
    check(code == 3 and verdict["verdict"] == "not-these-keys", "noise", verdict)
    code, verdict = diagnose(b"\0" * ((bits + 7) // 8))
    check(code == 3 and verdict["verdict"] == "not-these-keys", "no bit set", verdict)
    code, verdict = diagnose(b"\xff" * ((bits + 7) // 8))
    check(code == 0 and not verdict["isCertain"], "all bits set: yes to all, not certain", verdict)

    write_keys(at("d.keys"), keys[:1])
    code, verdict = diagnose(slow_bits(keys, bits, hashes, seed, msb=True))
    check(code == 3 and verdict["verdict"] == "too-few-keys", "one key cannot tell", verdict)
    code, verdict = diagnose(slow_bits(keys, bits, hashes, seed))
    check(code == 0 and not verdict["isCertain"], "one key right is not certain", verdict)
    write_keys(at("d.keys"), keys[:6])
    found(["msb-first"], slow_bits(keys, bits, hashes, seed, msb=True))
    write_keys(at("d.keys"), [])
    code, verdict = diagnose(slow_bits(keys, bits, hashes, seed))
    check(code == 1, "no keys", verdict)

    # More keys than are tried in all ways.
    keys = random_keys(3000, 10)
    write_keys(at("d.keys"), keys, b"\r\n")
    bits, hashes = geometry(3000, 0.01)
    found(["msb-first", "seed-byte-swapped"],
          slow_bits(keys, bits, hashes, swapped_bytes(seed), msb=True), bit_count=bits,
          hash_count=hashes)
    code, out, err = run("diagnose", at("d.plist"), "--keys", at("d.keys"))
    check(code == 3 and "(msb-first)" in out and "100.00 % found" in out, "diagnose in words", out)


if __name__ == "__main__":
    sys.exit(slow_bloom.main(check_diagnoses))
