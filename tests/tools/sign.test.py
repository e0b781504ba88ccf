#!/usr/bin/env python3
"""blindlist sign: keys, signatures as OpenSSL's own command sees them, bad keys and manifests. Prints TAP."""
import base64
import json
import os
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from served import working_folder  # noqa: E402
from tap import check, finish  # noqa: E402
from updating import BUILD, Done  # noqa: E402

work = working_folder("sign")
manifest = f"{work}/list.json"
key = f"{work}/key.pem"


def run(*words):
    return Done([f"{BUILD}/blindlist", *words])


def openssl(*words):
    return subprocess.run(["openssl", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False).returncode


def load():
    with open(manifest, encoding="utf-8") as file:
        return json.load(file)


def store(name, content):
    with open(f"{work}/{name}", "w", encoding="utf-8") as out:
        out.write(content)
    return f"{work}/{name}"


def make_filter():
    keys = store("keys.txt", "one.example\ntwo.example\n")
    made = run("bloom", "build", keys, "--out", manifest)
    check(made.code == 0 and os.path.exists(manifest), "a filter with its manifest", made)


def keys():
    made = run("sign", "--new-key", key)
    check(made.code == 0 and len(base64.b64decode(made.out)) == 32, "a new key, whose public half is 32 bytes", made)
    check(stat.S_IMODE(os.stat(key).st_mode) == 0o600, "the private one is its owner's alone")
    check(run("sign", "--key", key).out == made.out, "the public half can be had again")
    again = run("sign", "--new-key", key)
    check(again.code == 1 and "is there already" in again.err, "no key is written over", again)
    check(openssl("pkey", "-in", key, "-noout") == 0, "openssl reads the key")
    return made.out.strip()


def signing(public):
    before = load()
    check(run("sign", manifest, "--verify", public).code == 3, "it is not signed yet")
    check(run("sign", manifest, "--key", key).code == 0, "it is signed")
    after = load()
    signature = base64.b64decode(after.pop("signature"))
    check(after == before, "nothing else has changed")
    check(run("sign", manifest, "--verify", public).code == 0, "it is, by this key")
    text = store("text", "".join(f"{line}\n" for line in (
        "blindlist prefilter 1", f"bitCount {after['bitCount']}", f"hashCount {after['hashCount']}",
        f"murmurSeed {after['murmurSeed']}", f"tag {after['tag']}")))
    with open(f"{work}/signature", "wb") as out:
        out.write(signature)
    openssl("pkey", "-in", key, "-pubout", "-out", f"{work}/public.pem")
    check(openssl("pkeyutl", "-verify", "-pubin", "-inkey", f"{work}/public.pem", "-rawin", "-in", text, "-sigfile",
                  f"{work}/signature") == 0, "openssl finds the signature right, over the documented text")
    with open(manifest, "rb") as file:
        first = file.read()
    run("sign", manifest, "--key", key, "--out", f"{work}/again.json")
    with open(f"{work}/again.json", "rb") as file:
        check(file.read() == first, "the same key gives the same bytes, and --out leaves the old file")
    looked_at = run("bloom", "info", manifest)
    check(looked_at.code == 0, "others read it as before", looked_at)


def changed(public):
    whole = load()
    for name, value in (("bitCount", whole["bitCount"] - 1), ("hashCount", whole["hashCount"] + 1), ("murmurSeed", 7),
                        ("tag", "0" * 64), ("parsingSha256", "0" * 64), ("signature", "AAAA")):
        path = store("changed.json", json.dumps(dict(whole, **{name: value})))
        done = run("sign", path, "--verify", public)
        check(done.code == 3 and "another key, or changed" in done.out, f"another {name} is noticed", done)
    other = base64.b64encode(bytes(32)).decode()
    check(run("sign", manifest, "--verify", other).code == 3, "another key is another key")


def bad():
    with open(manifest, "rb") as file:
        before = file.read()
    openssl("genpkey", "-algorithm", "X25519", "-out", f"{work}/x25519.pem")
    openssl("genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret", "-out", f"{work}/locked.pem")
    openssl("pkey", "-in", key, "-pubout", "-out", f"{work}/public.pem")
    for path, word in ((f"{work}/none.pem", "No such file"), (store("empty.pem", ""), "no private key"),
                       (store("text.pem", "hello"), "no private key"), (f"{work}/public.pem", "no private key"),
                       (f"{work}/locked.pem", "with a password"), (f"{work}/x25519.pem", "Ed25519"),
                       (store("long.pem", "x" * 5000), "larger than 4096 bytes")):
        done = run("sign", manifest, "--key", path)
        check(done.code == 1 and word in done.err, f"a key that is none: {os.path.basename(path)}", done)
    url_form = store("url.json", json.dumps({"falsePositiveTolerance": 0.1, "murmurSeed": 1, "numberOfBits": 8,
                                             "numberOfHashes": 1, "tag": "t", "url": "u"}))
    for path, word in ((url_form, "no place for a signature"), (store("bad.json", "{"), "line 1"),
                       (f"{work}/none.json", "No such file")):
        done = run("sign", path, "--key", key)
        check(done.code == 1 and word in done.err, f"a manifest that is none: {os.path.basename(path)}", done)
    for public in ("", "AAAA", "A" * 44, "A" * 43 + "=x", "!" * 43 + "="):
        done = run("sign", manifest, "--verify", public)
        check(done.code == 1 and "base64 of 32 bytes" in done.err, f"a public key that is none: {public[:5]}", done)
    for words in ((), (manifest,), (manifest, "--key", key, "--verify", "x"), ("--new-key", f"{work}/n", manifest),
                  ("--verify", "x"), (manifest, manifest, "--key", key), ("--key", key, "--out", "x")):
        check(run("sign", *words).code == 2, f"wrong usage, {len(words)} words")
    check(not os.path.exists(f"{work}/n"), "nothing was made")
    with open(manifest, "rb") as file:
        check(file.read() == before, "the manifest is as it was")


make_filter()
public_key = keys()
signing(public_key)
changed(public_key)
bad()
shutil.rmtree(work)
sys.exit(finish())
