#!/usr/bin/env python3
"""blindlist bloom against the slow filter: every filter that the command builds must have the very
bits of the slow one, in every form; and everything that must be refused.
"""
import base64
import hashlib
import json
import os
import plistlib
import random
import shutil
import subprocess
import sys

import slow_bloom
from patience import PROGRAM_S
from slow_bloom import (M32, default_seed, fnv1a, geometry, murmur3, plist_of, random_keys,
                        run, slow_bits, write_keys)
from tap import check, skip


def run_all(at):
    check_known_answers()
    check_builds(at)
    check_formats(at)
    check_inputs(at)
    check_threads(at)
    check_bad_numbers(at)
    check_bad_files(at)
    check_questions(at)
    check_full_disk(at)


def check_known_answers():
    check(murmur3(b"test", 0x9747B28C) == 0x704B81DC and
          murmur3(b"Hello, world!", 0x9747B28C) == 0x24884CBA, "slow murmur3: known answers")
    check(fnv1a(b"a") == 0xE40C292C and fnv1a(b"foobar") == 0xBF9CF968, "slow fnv: known answers")


def check_builds(at):
    draw = random.Random(7)
    for count, rate, seed in [(1, 0.5, 0), (2, 0.999, 1), (3, 1e-9, M32), (100, 0.001, None),
                              (1000, 0.01, 0x80000000), (777, 0.3, 12345), (50, 1e-60, None)]:
        keys = [bytes(draw.randrange(256) for _ in range(draw.randrange(1, 70)))
                .replace(b"\n", b"?").replace(b"\r", b"?") for _ in range(count)]
        keys[0] = b"k" + keys[0][1:]  # no byte order mark
        write_keys(at("keys"), keys)
        options = [] if seed is None else ["--seed", seed]
        code, out, err = run("build", at("keys"), "--out", at("f.bloom"), "--false-positive-rate",
                             repr(rate), "--json", *options)
        if seed is None:
            seed = default_seed(keys)
        bits, hashes = geometry(count, rate)
        data = slow_bits(keys, bits, hashes, seed)
        with open(at("f.bloom"), "rb") as file:
            built = file.read()
        manifest = json.load(open(at("f.json")))
        check(code == 0 and built == data, f"{count} keys at rate {rate}: the slow filter's bits",
              err)
        check(manifest == {"tag": hashlib.sha256(data).hexdigest(), "bitCount": bits,
                           "hashCount": hashes, "murmurSeed": seed, "itemCount": count,
                           "falsePositiveTolerance": rate, "byteCount": len(data),
                           "url": "f.bloom"}, f"{count} keys: manifest", manifest)
        summary = json.loads(out)
        check(summary["bitCount"] == bits and summary["lines"] == count, "summary", out)
    keys = random_keys(40, 3)
    write_keys(at("keys"), keys)
    code, out, err = run("build", at("keys"), "--out", at("f.plist"), "--bits", 1009, "--hashes", 7)
    loaded = plistlib.load(open(at("f.plist"), "rb"))
    check(code == 0 and loaded["data"] == slow_bits(keys, 1009, 7, default_seed(keys)) and
          0 < loaded["falsePositiveTolerance"] < 1, "--bits and --hashes", err)


def check_formats(at):
    keys = random_keys(300, 4)
    write_keys(at("keys"), keys)
    bits, hashes = geometry(300, 0.001)
    seed = default_seed(keys)
    data = slow_bits(keys, bits, hashes, seed)
    tag = hashlib.sha256(data).hexdigest()
    current = {"bitCount": bits, "byteCount": len(data), "data": data,
               "falsePositiveTolerance": 0.001, "hashCount": hashes, "itemCount": 300,
               "murmurSeed": seed}
    beta = {"numberOfBits": bits, "numberOfBytes": len(data), "bitVectorData": data,
            "falsePositiveTolerance": 0.001, "numberOfHashes": hashes, "numberOfItems": 300,
            "murmurSeed": seed}
    with_url = {"falsePositiveTolerance": 0.001, "murmurSeed": seed, "numberOfBits": bits,
                "numberOfHashes": hashes, "tag": tag, "url": "https://x.example/f?a=\"1\""}
    run("build", at("keys"), "--out", at("a.plist"))
    check(plistlib.load(open(at("a.plist"), "rb")) == current, "plist, current layout")
    check(list(plistlib.load(open(at("a.plist"), "rb"))) == sorted(current), "keys in order")
    run("build", at("keys"), "--out", at("b.plist"), "--layout", "beta")
    check(plistlib.load(open(at("b.plist"), "rb")) == beta, "plist, beta layout")
    run("build", at("keys"), "--out", at("c.json"), "--url", with_url["url"])
    check(json.load(open(at("c.json"))) == with_url, "JSON with url")
    check(open(at("c.bloom"), "rb").read() == data, "bits beside it")
    run("build", at("keys"), "--out", at("d.json"))
    check(json.load(open(at("d.json")))["bitCount"] == bits, "manifest by .json")

    # From every form into every form.
    forms = {"a.plist": [], "b.plist": ["--layout", "beta"], "c.json": ["--url", with_url["url"]],
             "d.json": [], "e.bloom": []}
    run("convert", at("a.plist"), at("e.bloom"))
    for source in ["a.plist", "b.plist", "c.json", "c.bloom", "d.json", "d.bloom", "e.bloom"]:
        code, out, err = run("info", at(source), "--json")
        check(code == 0 and json.loads(out)["tag"] == tag, f"info {source}", err)
        for target, options in forms.items():
            items = ["--items", 300] if source.startswith("c.") else []
            result = at("out-" + target)
            code, out, err = run("convert", at(source), result, *options, *items)
            pairs = [(result, at(target))]
            if not target.endswith(".plist"):
                stem = os.path.splitext(target)[0]
                pairs = [(at(f"out-{stem}.bloom"), at(f"{stem}.bloom"))]
                if target == "c.json":
                    pairs.append((result, at(target)))
            same = all(open(a, "rb").read() == open(b, "rb").read() for a, b in pairs)
            check(code == 0 and same, f"convert {source} {target}", err)
    code, out, err = run("convert", at("c.json"), at("x.plist"))
    check(code == 1 and "--items" in err and not os.path.exists(at("x.plist")),
          "the form with url does not say how many items", err)

    # What others write is read: Apple's and Python's spelling, other order, white space.
    plistlib.dump(current, open(at("py.plist"), "wb"))
    check(run("info", at("py.plist"))[0] == 0, "a property list of plistlib")
    plistlib.dump(beta, open(at("py.plist"), "wb"), sort_keys=False)
    check(run("info", at("py.plist"))[0] == 0, "a property list of plistlib, beta, other order")
    text = open(at("a.plist")).read().replace("<plist", "<!-- c -->\n<plist")
    text = text.replace("<integer>300<", "<integer>\n 300\t<").encode("utf-16")
    text = text.replace("UTF-8".encode("utf-16-le"), "UTF-16".encode("utf-16-le"))
    open(at("u16.plist"), "wb").write(text)
    code, out, err = run("info", at("u16.plist"))
    check(code == 0, "UTF-16, comments, white space", err)
    # A static host names the bits by their tag.
    os.mkdir(at("host"))
    manifest = json.load(open(at("d.json")))
    manifest["url"] = f"/prefilter/x/{tag}.bloom"
    manifest["signature"] = "c2ln"
    json.dump(manifest, open(at("host/x.json"), "w"))
    shutil.copy(at("d.bloom"), at(f"host/{tag}.bloom"))
    check(run("info", at("host/x.json"))[0] == 0, "bits found by the last part of the url")
    for seed_text in ["--seed", "--layout"]:
        check(run("build", at("keys"), "--out", at("x.plist"), seed_text, "no")[0] == 2,
              f"{seed_text} no")


def check_inputs(at):
    def built(content, *options):
        with open(at("in"), "wb") as out:
            out.write(content)
        code, out, err = run("build", at("in"), "--out", at("in.bloom"), "--json", *options)
        return code, json.loads(out) if code == 0 else err, \
            open(at("in.bloom"), "rb").read() if code == 0 else b""

    code, summary, bits = built(b"\xef\xbb\xbfa.com\r\n\r\n\nb.com\r\nc.com")
    keys = [b"a.com", b"b.com", b"c.com"]
    check(code == 0 and summary["itemCount"] == 3 and summary["lines"] == 5 and
          summary["emptyLines"] == 2 and
          bits == slow_bits(keys, *geometry(3, 0.001), default_seed(keys)),
          "byte order mark, CR LF, empty lines, no line end at the end", summary)
    code, summary, bits = built(b"a.com\n||b.com^\nhttps://c.com/\nhttps.com\n!\nh\n")
    check(code == 0 and summary["itemCount"] == 6 and summary["unaskedLines"] == 3, "lines of a list are taken, and counted", summary)
    code, out, err = run("build", at("in"), "--out", at("in.bloom"))
    check(code == 0 and "no device asks for 3 of the lines" in err, "and a note says so", err)
    keys = [b"a\0b", b"a", b"\0", b"x\0\0"]
    code, summary, bits = built(b"\n".join(keys))
    check(code == 0 and bits == slow_bits(keys, *geometry(4, 0.001), default_seed(keys)),
          "NUL bytes are ordinary", summary)
    keys = [b"k" * 65536, b"b"]
    code, summary, bits = built(b"\n".join(keys))
    check(code == 0 and bits == slow_bits(keys, *geometry(2, 0.001), default_seed(keys)),
          "a key of 64 KB", summary)
    code, summary, _ = built(b"a\nb\n" + b"k" * 65537 + b"\n")
    check(code == 1 and "in, line 3: longer than 65536 bytes" in summary, "a longer one", summary)
    code, summary, bits = built(b"example.com/x\n" * 1000000)
    expected = slow_bits([b"example.com/x"], *geometry(1000000, 0.001), summary["murmurSeed"])
    check(code == 0 and summary["itemCount"] == 1000000 and bits == expected,
          "a million identical lines count as given")
    code, summary, bits = built(b"example.com/x\n" * 1000000, "--unique")
    keys = [b"example.com/x"]
    check(code == 0 and summary["itemCount"] == 1 and summary["repeatedLines"] == 999999 and
          bits == slow_bits(keys, *geometry(1, 0.001), default_seed(keys)),
          "with --unique they are one", summary)
    keys = random_keys(5000, 9)
    mixed = keys + keys[::-1] + keys[::7]
    code, summary, bits = built(b"\n".join(mixed), "--unique")
    check(code == 0 and summary["itemCount"] == len(set(keys)) and
          bits == slow_bits(keys, *geometry(len(set(keys)), 0.001),
                            default_seed(list(dict.fromkeys(keys)))), "--unique", summary)
    code, error, _ = built(b"")
    check(code == 1 and "no key" in error, "an empty file", error)
    code, error, _ = built(b"\n\r\n\n")
    check(code == 1 and "no key" in error, "only empty lines", error)
    pipe_read, pipe_write = os.pipe()
    os.write(pipe_write, b"a\n")
    os.close(pipe_write)
    code, out, err = run("build", "-", "--out", at("p.plist"), stdin=pipe_read)
    os.close(pipe_read)
    check(code == 1 and "pipe" in err, "a pipe cannot be read twice", err)
    with open(at("keys"), "rb") as file:
        code, out, err = run("build", "-", "--out", at("p.plist"), stdin=file)
    check(code == 0, "standard input from a file can", err)
    code, out, err = run("build", at("nothing"), "--out", at("p.plist"))
    check(code == 1 and "nothing" in err, "a missing file", err)
    code, out, err = run("build", at(""), "--out", at("p.plist"))
    check(code == 1 and "folder" in err, "a folder", err)


def check_threads(at):
    """Any number of threads makes the bits that one makes; with keys for several pieces of the file."""
    write_keys(at("keys"), [b"host%d.example/path" % i for i in range(200000)])
    made = {}
    for words in (["-j", 1], ["-j", 2], ["--threads", 7], ["-j", 256], [], ["-j", 3, "--unique"]):
        code, out, err = run("build", at("keys"), "--out", at("t.bloom"), "--json", *words)
        with open(at("t.bloom"), "rb") as file:
            made[" ".join(map(str, words))] = (code, out, file.read())
    check(len(set(made.values())) == 1 and made["-j 1"][0] == 0, "any number of threads, the same filter",
          {words: (code, out) for words, (code, out, _) in made.items()})
    for number in ("0", "257", "-1", "two", ""):
        code, out, err = run("build", at("keys"), "--out", at("bad.bloom"), "-j", number)
        check(code == 2 and "threads" in err and not os.path.exists(at("bad.bloom")), f"-j '{number}'", err)


def check_bad_numbers(at):
    write_keys(at("keys"), random_keys(10, 1))
    for options in [["--false-positive-rate", "0"], ["--false-positive-rate", "1"],
                    ["--false-positive-rate", "-0.1"], ["--false-positive-rate", "nan"],
                    ["--false-positive-rate", "x"], ["--bits", "100"], ["--hashes", "3"],
                    ["--bits", "0", "--hashes", "3"], ["--bits", "4294967296", "--hashes", "3"],
                    ["--bits", "9", "--hashes", "0"], ["--bits", "9", "--hashes", "2049"],
                    ["--bits", "9", "--hashes", "2", "--false-positive-rate", "0.1"],
                    ["--seed", "4294967296"], ["--seed", "-1"], ["--url", "u"]]:
        code, out, err = run("build", at("keys"), "--out", at("bad.plist"), *options)
        check(code == 2 and err and not os.path.exists(at("bad.plist")), " ".join(options), err)
    check(run("build", at("keys"))[0] == 2, "no --out")
    check(run("build", at("keys"), "--out", at("bad.txt"))[0] == 2, "--out with a foreign name")
    check(run("build", at("keys"), "--out", at("bad.bloom"), "--layout", "beta")[0] == 2,
          "--layout of raw bits")
    # The least rate that a double holds asks for the most bits an item, 1551: 2.8 million of them
    # are too many for 32 bit.
    with open(at("many"), "wb") as out:
        out.write(b"a\n" * 2800000)
    code, out, err = run("build", at("many"), "--out", at("bad.plist"), "--false-positive-rate",
                         "5e-324")
    check(code == 1 and "4294967295" in err and not os.path.exists(at("bad.plist")),
          "more bits than 32 bit can count", err)
    os.remove(at("many"))


def check_bad_files(at):
    keys = random_keys(21, 5)
    bits, hashes = geometry(21, 0.001)
    data = slow_bits(keys, bits, hashes, 5)
    good = plist_of(data, bits, hashes, 5, 21).decode()
    body = base64.b64encode(data).decode()

    def refused(name, content, words, what):
        with open(at(name), "wb") as out:
            out.write(content if isinstance(content, bytes) else content.encode())
        code, out, err = run("info", at(name))
        check(code == 1 and words in err and name[:2] in err, what, f"{code} {out} {err}")

    def patched(old, new):
        assert old in good, old
        return good.replace(old, new, 1)

    refused("x.plist", "", "is empty", "plist: empty")
    for size in (1, 60, 200, 400, len(good) - 12):
        code = run_on(at("x.plist"), good[:size].encode())
        check(code == 1, f"plist: cut to {size} bytes", code)
    refused("x.plist", b"bplist00" + bytes(40), "binary property list", "plist: binary")
    refused("x.plist", b"\x7fELF" + bytes(100), "neither", "plist: foreign")
    refused("x.plist", "<html><body/></html>", "line 1: <html> where <plist>", "plist: HTML")
    refused("x.plist", patched("<key>hashCount</key>", "<key>hashCounts</key>"), "unknown key",
            "plist: unknown key")
    refused("x.plist", patched("<key>hashCount</key>", "<key>bitCount</key>"), "twice",
            "plist: repeated key")
    refused("x.plist", patched("<key>hashCount</key>", "<key>numberOfHashes</key>"), "both layouts",
            "plist: layouts mixed")
    refused("x.plist", patched(f"<key>hashCount</key>\n\t<integer>{hashes}</integer>", ""),
            "hashCount is missing", "plist: missing key")
    refused("x.plist", patched(f"<integer>{hashes}</integer>", f"<string>{hashes}</string>"),
            "<string> where <integer>", "plist: wrong type")
    for value in ("0", "2049", "-1", "1.5", "", "99999999999999999999", "0x5", "5 5"):
        refused("x.plist", patched(f"<integer>{hashes}</integer>", f"<integer>{value}</integer>"),
                "hashCount: must be an integer from 1 to 2048", f"plist: hashCount {value!r}")
    for value in ("0", "1", "-0.5", "nan", "inf", "", "0x1p-3", "1e", "0,5"):
        refused("x.plist", patched("<real>0.001</real>", f"<real>{value}</real>"),
                "falsePositiveTolerance: must be", f"plist: tolerance {value!r}")
    refused("x.plist", patched("<integer>21</integer>", "<integer>0</integer>"), "itemCount",
            "plist: no items")
    refused("x.plist", patched(f"<integer>{bits}</integer>", f"<integer>{bits + 8}</integer>"),
            "need", "plist: bit count does not fit")
    refused("x.plist", patched(f"<integer>{len(data)}</integer>",
                               f"<integer>{len(data) - 1}</integer>"), "byteCount",
            "plist: byte count does not fit")
    start = good.index("<data>") + 6
    end = good.index("</data>")
    for text, words, what in [
            ("", "holds 0 bytes", "no data"),
            (body[:-8], "holds", "less data"),
            ("AAAA" + body, "holds", "more data"),
            ("*" + body[1:], "byte 0x2a", "a foreign character"),
            (body[:-4] + "=AAA", "'='", "padding too early"),
            (body + "=", "'='", "padding too late"),
            ("AA==" + body, "goes on", "padding in between"),
            ("AB==", "not used", "bits behind the end"),
            (body[:-1], "group of four", "a group cut short") if not body.endswith("=") else
            (body.rstrip("="), "group of four", "no padding"),
            ("A<![CDATA[-]]>" + body, "byte 0x2d", "a dash, which OpenSSL takes for an end")]:
        refused("x.plist", good[:start] + text + good[end:], words, f"plist data: {what}")
    spaced = "\n".join(body[i:i + 3] + " \t" for i in range(0, len(body), 3))
    check(run_on(at("x.plist"), (good[:start] + spaced + good[end:]).encode()) == 0,
          "plist data: white space anywhere")

    # Entities: declared ones are refused unexpanded, unknown ones too.
    bomb = ('<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "0123456789">' +
            "".join(f'<!ENTITY {b} "{("&" + a + ";") * 10}">'
                    for a, b in zip("abcdefghi", "bcdefghij")) +
            "]><plist><dict><key>&j;</key></dict></plist>")
    refused("x.plist", bomb, "DOCTYPE", "plist: a billion laughs")
    refused("x.plist", '<!DOCTYPE plist [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            "<plist><dict><key>&x;</key></dict></plist>", "DOCTYPE", "plist: external entity")
    refused("x.plist", patched("<integer>21</integer>", "<integer>&x;</integer>"), "entity",
            "plist: undefined entity")
    refused("x.plist", patched("<dict>", "<dict>" * 100000), "where <key>", "plist: deep nesting")
    refused("x.plist", patched("<key>itemCount", "<key>" + "x" * 100000), "more than 64 bytes",
            "plist: a long key")
    refused("x.plist", patched("<dict>", "<dict a='1'>"), "attributes", "plist: attributes")
    refused("x.plist", good + "<dict/>", "line", "plist: something behind the end")
    refused("x.plist", patched("</dict>", "<key>itemCount</key></dict>"), "twice",
            "plist: key without a value")
    refused("x.plist", patched("<key>itemCount</key>", "text<key>itemCount</key>"),
            "text between", "plist: text between elements")
    refused("x.plist", "<plist/>", "no <dict>", "plist: nothing inside")

    # JSON and raw bits.
    manifest = {"tag": hashlib.sha256(data).hexdigest(), "bitCount": bits, "hashCount": hashes,
                "murmurSeed": 5, "itemCount": 21, "falsePositiveTolerance": 0.001,
                "byteCount": len(data), "url": "x.bloom"}
    with_url = {"falsePositiveTolerance": 0.001, "murmurSeed": 5, "numberOfBits": bits,
                "numberOfHashes": hashes, "tag": "any", "url": "https://h/x.bloom"}
    open(at("x.bloom"), "wb").write(data)
    for base, name in ((manifest, "manifest"), (with_url, "with url")):
        check(run_on(at("x.json"), json.dumps(base).encode()) == 0, f"{name}: good")
        for key in base:
            if key not in ("numberOfBits", "numberOfHashes"):
                refused("x.json", json.dumps({k: v for k, v in base.items() if k != key}),
                        f"$.{key}: is missing", f"{name}: no {key}")
            refused("x.json", json.dumps({**base, key: None}), f"$.{key}: must be",
                    f"{name}: null for {key}")
            refused("x.json", json.dumps({**base, key: [1]}), f"$.{key}: must be",
                    f"{name}: array for {key}")
        refused("x.json", json.dumps({**base, "more": 1}), "$.more: unknown", f"{name}: unknown")
        refused("x.json", json.dumps(base)[:-1] + ', "tag": "x"}', "duplicate", f"{name}: twice")
        refused("x.json", json.dumps(base)[:-1], "line 1", f"{name}: cut short")
        refused("x.json", json.dumps({**base, "murmurSeed": 2**32}), "$.murmurSeed", f"{name}: seed")
        refused("x.json", json.dumps({**base, "falsePositiveTolerance": 1.0}),
                "$.falsePositiveTolerance", f"{name}: rate 1")
        refused("x.json", json.dumps({**base, "url": "a\nb"}), "control", f"{name}: url")
        refused("x.json", json.dumps({**base, "url": "a" * 2049}), "2048", f"{name}: long url")
    refused("x.json", json.dumps({**manifest, "byteCount": 1}), "$.byteCount", "manifest: bytes")
    refused("x.json", json.dumps({**manifest, "tag": "A" * 64}), "$.tag", "manifest: tag's form")
    refused("x.json", json.dumps({**manifest, "tag": "0" * 64}), "belong together",
            "manifest: tag of other bits")
    refused("x.json", json.dumps({**manifest, "bitCount": bits + 8, "byteCount": len(data) + 1}),
            "holds", "manifest: bits of another size")
    refused("x.json", "[" * 100000, "neither", "JSON: an array")
    refused("x.json", '{"a":' * 10000, "line 1", "JSON: deep nesting")
    refused("x.json", b'{"tag": "\xff"}', "line 1", "JSON: no UTF-8")
    refused("x.json", " " * 70000 + "{}", "65536", "JSON: too large")
    refused("x.json", json.dumps({**manifest, "tag": "a\0b"}), "line 1", "JSON: NUL in a string")
    os.remove(at("x.bloom"))
    for url in ("../../etc/passwd", "..", "https://h/", "a%2fb", ".hidden"):
        refused("x.json", json.dumps({**manifest, "url": url}), "no " + at("x.bloom"),
                f"bits are missing, url {url}")
    open(at("x.bloom"), "wb").write(b"")
    code, out, err = run("info", at("x.bloom"))
    check(code == 1 and "x.bloom: holds 0 bytes" in err, "raw bits: empty", err)
    os.remove(at("x.json"))
    code, out, err = run("info", at("x.bloom"))
    check(code == 1 and "x.json" in err, "raw bits: no manifest", err)
    code, out, err = run("info", at("nowhere.bloom"))
    check(code == 1 and "nowhere.bloom" in err and "json" not in err, "raw bits: missing", err)

    # Spare bits: told, not refused.
    spare = data[:-1] + bytes([data[-1] | 0x80])
    assert bits % 8, "the test needs spare bits"
    open(at("x.plist"), "wb").write(plist_of(spare, bits, hashes, 5, 21))
    code, out, err = run("info", at("x.plist"), "--json")
    check(code == 0 and json.loads(out)["spareBitsSet"] == 1 and "behind the last" in err,
          "spare bits are told", err)


def run_on(path, content):
    with open(path, "wb") as out:
        out.write(content)
    return run("info", path)[0]


def check_questions(at):
    keys = random_keys(50, 6)
    write_keys(at("keys"), keys)
    run("build", at("keys"), "--out", at("q.plist"))
    code, out, err = run("check", at("q.plist"), *(key.decode() for key in keys))
    check(code == 0 and out == "".join(f"in      {key.decode()}\n" for key in keys), "all in", out)
    code, out, err = run("check", at("q.plist"), keys[0].decode(), "absent.example")
    check(code == 3 and out.endswith("absent  absent.example\n"), "one absent", out)
    code, out, err = run("check", at("q.plist"), "--json", "absent.example")
    check(code == 3 and json.loads(out) == [{"key": "absent.example", "isInFilter": False}],
          "check --json", out)
    check("scheme" in run("check", at("q.plist"), "https://a.example")[2], "a key with scheme")
    check(run("check", at("q.plist"))[0] == 2, "check without keys")
    check(run("info")[0] == 2 and run("diagnose", at("q.plist"))[0] == 2, "missing operands")
    code, out, err = run("info", at("q.plist"))
    bits, hashes = geometry(50, 0.001)
    check(code == 0 and f"bits          {bits} (" in out and "property list" in out, "info", out)


def check_full_disk(at):
    if os.geteuid() != 0 or shutil.which("mount") is None:
        skip("a full disk needs root and mount")
        return
    small = at("small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", small],
                      stderr=subprocess.DEVNULL).returncode != 0:
        skip("a full disk needs the right to mount a tmpfs")
        return
    try:
        write_keys(at("keys"), random_keys(20000, 11))
        write_keys(at("few"), random_keys(10, 11))
        run("build", at("few"), "--out", small + "/f.bloom")
        before = {name: open(f"{small}/{name}", "rb").read() for name in os.listdir(small)}
        for name in ("f.bloom", "f.json", "g.plist"):
            code, out, err = run("build", at("keys"), "--out", f"{small}/{name}",
                                 "--false-positive-rate", "1e-20")
            after = {name: open(f"{small}/{name}", "rb").read() for name in os.listdir(small)}
            check(code == 1 and "space" in err and before == after, f"a full disk: {name}", err)
    finally:
        subprocess.run(["umount", small], check=False)


if __name__ == "__main__":
    sys.exit(slow_bloom.main(run_all))
