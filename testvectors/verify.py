#!/usr/bin/env python3
"""Checks the published test vectors with the Python standard library alone.

  verify.py [DIR]        DIR holds the JSON files; default: the folder of this script

Everything is computed again from the inputs in the files, written from the protocol description
and sharing no code with the C programs. README.md says what each field means. Exit status: 0 all
agree, 1 a file is missing or is not a vectors file, 2 wrong usage, 3 something differs.
"""
import hashlib
import os
import plistlib
import sys

import lattice
from cases import Differs, Kind, Malformed, as_json, brief, checked_inputs, compare, strict_json
from exchange import check_exchange
from keyword_pir import (bucket_bytes, bucket_find, cuckoo_indices, dimensions, galois_elements,
                         keyword_hash, place, stored_order, up)
from lattice import Bfv, Drbg, Ring
from prefilter import (bit_array, fnv1, fnv1a, geometry, murmur3, positions,
                       positions_without_wrap, sub_urls)
from tokens import check_tokens

FORMAT = 1


def check_hashes(case):
    item = case["item"]
    return {"fnv1a": fnv1a(item), "murmur3": [murmur3(item, s) for s in case["murmur_seeds"]]}


def check_geometry(case):
    bits, hashes, size = geometry(case["item_count"], case["false_positive_rate"])
    return {"bit_count": bits, "hash_count": hashes, "byte_count": size}


def check_positions(case):
    item, bits, hashes = case["item"].encode(), case["bit_count"], case["hash_count"]
    h1, h2 = fnv1a(item), murmur3(item, case["murmur_seed"])
    return {"h1": h1, "h2": h2, "positions": positions(h1, h2, bits, hashes),
            "wrong_64bit_sum": positions_without_wrap(h1, h2, bits, hashes),
            "wrong_fnv1": positions(fnv1(item), h2, bits, hashes)}


def check_filters(case):
    keys, seed, rate = case["keys"], case["murmur_seed"], case["false_positive_rate"]
    bits, hashes, size = geometry(len(keys), rate)

    def places(first, rule, items=keys):
        return [k for item in items
                for k in rule(first(item.encode()), murmur3(item.encode(), seed), bits, hashes)]

    right = places(fnv1a, positions)
    data = bit_array(bits, right)
    tag = hashlib.sha256(data).hexdigest()
    present = set(right)
    out = {
        "bit_count": bits, "hash_count": hashes, "byte_count": size, "bits": data, "tag": tag,
        "answers": [all(k in present for k in places(fnv1a, positions, [probe]))
                    for probe in case["probes"]],
        "wrong_msb_first": bit_array(bits, right, low_first=False),
        "wrong_64bit_sum": bit_array(bits, places(fnv1a, positions_without_wrap)),
        "wrong_fnv1": bit_array(bits, places(fnv1, positions)),
    }
    manifest = {"tag": tag, "bitCount": bits, "hashCount": hashes, "murmurSeed": seed,
                "itemCount": len(keys), "falsePositiveTolerance": rate, "byteCount": size,
                "url": case["url"]}
    texts = {
        "manifest": (strict_json, manifest),
        "json_with_url": (strict_json, {
            "falsePositiveTolerance": rate, "murmurSeed": seed, "numberOfBits": bits,
            "numberOfHashes": hashes, "tag": tag, "url": case["url"]}),
        "plist": (plistlib.loads, {
            "itemCount": len(keys), "falsePositiveTolerance": rate, "murmurSeed": seed,
            "bitCount": bits, "byteCount": size, "hashCount": hashes, "data": data}),
        "plist_first_beta": (plistlib.loads, {
            "numberOfItems": len(keys), "falsePositiveTolerance": rate, "murmurSeed": seed,
            "numberOfBits": bits, "numberOfBytes": size, "numberOfHashes": hashes,
            "bitVectorData": data}),
    }
    for name, (parse, wanted) in texts.items():
        # The text of a file is free, what it says is not.
        try:
            said = parse(case[name].encode())
        except Exception as reason:
            raise Differs(name, "a text that parses", reason) from reason
        compare(name, said, wanted)
        out[name] = case[name]
    return out


def check_suburls(case):
    return {"sub_urls": sub_urls(case["url"])}


def check_keywords(case):
    stored = keyword_hash(case["keyword"].encode())
    number = int.from_bytes(stored, "little")
    return {
        "stored": stored,
        "number": str(number),
        "shards": [number % c for c in case["shard_counts"]],
        "double_mod_shards": [number % m % c for m, c in case["double_mod"]],
        "cuckoo_indices": [cuckoo_indices(stored, n, h) for n, h in case["cuckoo"]],
    }


def check_buckets(case):
    bucket = bucket_bytes([(k.encode(), v) for k, v in case["rows"]])
    return {"bucket": bucket,
            "values": [bucket_find(bucket, k.encode()) for k in case["lookups"]]}


def check_dimensions(case):
    n, size, limit = case["buckets_per_table"], case["entry_size"], case["bytes_per_plaintext"]
    per = limit // size if size <= limit else 1
    plaintexts = up(n, per)
    return {"entries_per_plaintext": per, "chunks": up(size, limit), "plaintexts": plaintexts,
            "even": dimensions(plaintexts, case["batch_size"], False),
            "uneven": dimensions(plaintexts, case["batch_size"], True)}


def check_coefficients(case):
    width = case["bits_per_coefficient"]
    return {"coefficients": lattice.bytes_to_coefficients(case["data"], width)}


def check_order(case):
    return {"order": stored_order(case["tables"], case["chunks"], case["dimensions"],
                                  case["plaintexts"])}


def check_place(case):
    dims = case["dimensions"]
    plaintext, row, column, offset = place(case["index"], case["entry_size"],
                                           case["bytes_per_plaintext"], dims)
    return {"plaintext": plaintext, "row": row, "column": column, "byte_offset": offset,
            "selectors": [row, dims[0] + column]}


def check_elements(case):
    selectors = sum(case["dimensions"]) * case["batch_size"]
    out = {"selectors": selectors}
    for strategy in ("none", "hybrid", "max"):
        out[strategy] = galois_elements(case["degree"], selectors, strategy)
    return out


RINGS = {}


def ring(degree, q):
    if (degree, q) not in RINGS:
        RINGS[degree, q] = Ring(degree, q)
    return RINGS[degree, q]


def check_automorphism(case):
    r = ring(case["degree"], case["modulus"])
    return {"moved": r.automorphism(case["coefficients"], case["element"]),
            "evaluation_sources": lattice.automorphism_sources(case["degree"], case["element"])}


def check_stream(case):
    stream = Drbg(case["seed"])
    out = {"key": stream.key, "v": stream.v.to_bytes(16, "big")}
    requests = [stream.request(4096) for _ in range(3)]
    out["request_starts"] = [r[:32].hex() for r in requests]
    out["sha256"] = lattice.sha256(b"".join(requests))
    return out


def polynomial_summary(rows, moduli):
    return {"row_starts": [row[:4] for row in rows],
            "sha256": lattice.sha256(lattice.pack_rows(rows, moduli))}


def check_uniform(case):
    return polynomial_summary(lattice.uniform(case["seed"], case["degree"], case["moduli"]),
                              case["moduli"])


def check_small(draw):
    def check(case):
        small, moduli = draw(case["seed"], case["degree"]), case["moduli"]
        return {"start": small[:16], **polynomial_summary(lattice.rows_of(small, moduli), moduli)}
    return check


def check_packing(case):
    values, bits, skip = case["values"], case["bits"], case["skip"]
    packed = lattice.pack_bits([v >> skip for v in values], bits - skip)
    return {"packed": packed, "read_back": [
        v << skip for v in lattice.unpack_bits(packed, bits - skip, len(values))]}


def check_ntt_small(case):
    r = ring(case["degree"], case["modulus"])
    values = r.forward(case["coefficients"])
    if r.inverse(values) != case["coefficients"]:
        raise Differs("coefficients", case["coefficients"], r.inverse(values))
    return {"psi": r.psi, "evaluation": values}


def check_ntt_full(case):
    r, q = ring(case["degree"], case["modulus"]), case["modulus"]
    values = r.forward(lattice.uniform(case["seed"], case["degree"], [q])[0])
    return {"psi": r.psi, "evaluation_start": values[:8],
            "sha256": lattice.sha256(lattice.pack_rows([values], [q]))}


def check_divide(case):
    return {"result": lattice.divide_and_round(case["rows"], case["moduli"])}


def check_skip(case):
    degree, t, q0 = case["degree"], case["plaintext_modulus"], case["first_modulus"]
    lattice.least_root(q0, degree)  # raises ValueError when they do not fit
    if pow(2, t - 1, t) != 1:
        raise ValueError("the plaintext modulus is not prime")
    bfv = Bfv.__new__(Bfv)  # the rule needs three numbers, no tables
    bfv.degree, bfv.t, bfv.top = degree, t, [q0]
    return {"skip": bfv.skipped_bits()}


FILES = {
    "hashes.json": Kind(check_hashes, "fnv1a murmur3", item="hex", murmur_seeds="numbers"),
    "geometry.json": Kind(check_geometry, "bit_count hash_count byte_count",
                          item_count="number", false_positive_rate="rate"),
    "positions.json": Kind(check_positions, "h1 h2 positions wrong_64bit_sum wrong_fnv1",
                           item="text", murmur_seed="number", bit_count="number",
                           hash_count="number"),
    "filters.json": Kind(
        check_filters, "bit_count hash_count byte_count bits tag answers wrong_msb_first "
        "wrong_64bit_sum wrong_fnv1", keys="texts", false_positive_rate="rate",
        murmur_seed="number", url="text", probes="texts", manifest="text", plist="text",
        plist_first_beta="text", json_with_url="text"),
    "suburls.json": Kind(check_suburls, "sub_urls", url="text"),
    "keywords.json": Kind(
        check_keywords, "stored number shards double_mod_shards cuckoo_indices", keyword="text",
        shard_counts="numbers", double_mod="pairs", cuckoo="pairs"),
    "buckets.json": Kind(check_buckets, "bucket values", rows="rows", lookups="texts"),
    "dimensions.json": Kind(
        check_dimensions, "entries_per_plaintext chunks plaintexts even uneven",
        buckets_per_table="number", entry_size="number", bytes_per_plaintext="number",
        batch_size="number"),
    "plaintexts.json": {
        "coefficients": Kind(check_coefficients, "coefficients", data="hex",
                             bits_per_coefficient="number"),
        "order": Kind(check_order, "order", tables="number", chunks="number",
                      dimensions="numbers", plaintexts="number"),
        "place": Kind(check_place, "plaintext row column byte_offset selectors", index="number",
                      entry_size="number", bytes_per_plaintext="number", dimensions="numbers"),
    },
    "galois.json": {
        "elements": Kind(check_elements, "selectors none hybrid max", degree="number",
                         batch_size="number", dimensions="numbers"),
        "automorphism": Kind(check_automorphism, "moved evaluation_sources", degree="number",
                             modulus="number", element="number", coefficients="numbers"),
    },
    "random.json": {
        "stream": Kind(check_stream, "key v request_starts sha256", seed="hex"),
        "uniform": Kind(check_uniform, "row_starts sha256", seed="hex", degree="number",
                        moduli="numbers"),
        "ternary": Kind(check_small(lattice.ternary), "start row_starts sha256", seed="hex",
                        degree="number", moduli="numbers"),
        "error": Kind(check_small(lattice.centred_binomial), "start row_starts sha256",
                      seed="hex", degree="number", moduli="numbers"),
    },
    "packing.json": Kind(check_packing, "packed read_back", values="numbers", bits="number",
                         skip="number"),
    "ntt.json": {
        "small": Kind(check_ntt_small, "psi evaluation", degree="number", modulus="number",
                      coefficients="numbers"),
        "full": Kind(check_ntt_full, "psi evaluation_start sha256", degree="number",
                     modulus="number", seed="hex"),
    },
    "rounding.json": {
        "divide": Kind(check_divide, "result", moduli="numbers", rows="number_lists"),
        "skip": Kind(check_skip, "skip", degree="number", plaintext_modulus="number",
                     first_modulus="number"),
    },
    "tokens.json": Kind(
        check_tokens, "public_key token_key_id wrong_token_key_id challenge challenge_digest "
        "token_input token_request token_response token authorization", private_key="hex",
        issuer_name="text", redemption_context="hex", origins="text", nonce="hex", salt="hex",
        blind="hex"),
    "exchange.json": Kind(
        check_exchange, "galois_elements database_size database_sha256 secret_key_sha256 "
        "key_components_sha256 evaluation_key_size evaluation_key_sha256",
        parameter_set="text", degree="number", plaintext_modulus="number", moduli="numbers",
        hash_functions="number", buckets_per_table="number", entry_size="number",
        dimensions="numbers", rows="rows", tables="tables", secret_key_seed="hex",
        galois_key_seeds="list", relinearization_key_seeds="list", queries="list"),
}


def read_cases(folder, name):
    try:
        with open(os.path.join(folder, name), "rb") as file:
            whole = strict_json(file.read())
    except OSError as reason:
        raise Malformed(reason.strerror or str(reason)) from reason
    except (ValueError, RecursionError) as reason:
        raise Malformed(f"is not JSON: {reason}") from reason
    if not isinstance(whole, dict) or whole.get("kind") != "blindlist " + name[:-5]:
        raise Malformed("is not a file of these test vectors")
    if whole.get("format") != FORMAT:
        raise Malformed(f"has format {whole.get('format')}, this program knows {FORMAT}")
    if set(whole) != {"kind", "format", "cases"} or not isinstance(whole["cases"], list):
        raise Malformed("must have kind, format and cases, nothing else")
    if not whole["cases"]:
        raise Malformed("has no cases")
    return whole["cases"]


def verify_file(folder, name):
    """Number of cases; raises Malformed or Differs with the place in front."""
    cases = read_cases(folder, name)
    for i, case in enumerate(cases):
        where, kind = f"case {i}", FILES[name]
        if isinstance(kind, dict):
            what = case.get("what") if isinstance(case, dict) else None
            if what not in kind:
                raise Malformed(f"{where} has no known \"what\"")
            kind = kind[what]
        inputs = checked_inputs(case, kind, where)
        try:
            got = kind.check(inputs)
            for key, value in got.items():
                compare(key, case[key], as_json(value, key))
        except Differs as d:
            raise Differs(f"{where}: {d.args[0]}", *d.args[1:]) from d
        except (ValueError, IndexError, TypeError, AttributeError, ZeroDivisionError,
                KeyError, OverflowError) as reason:
            raise Differs(where, "inputs that can be computed with", reason) from reason
    return len(cases)


def main(arguments):
    if arguments in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    if len(arguments) > 1 or arguments[:1] and arguments[0].startswith("-"):
        print("usage: verify.py [DIR]", file=sys.stderr)
        return 2
    folder = arguments[0] if arguments else os.path.dirname(os.path.abspath(__file__))
    total, unreadable, different = 0, 0, 0
    for name in FILES:
        try:
            count = verify_file(folder, name)
        except Malformed as reason:
            unreadable += 1
            print(f"verify.py: {os.path.join(folder, name)}: {reason}", file=sys.stderr)
            continue
        except Differs as reason:
            different += 1
            where, expected, got = reason.args
            print(f"{name}: {where}: expected {brief(expected)}, got {brief(got)}")
            continue
        total += count
        print(f"{name}: {count} cases agree", flush=True)
    if unreadable or different:
        print(f"{total} cases agree; {different} files differ, {unreadable} cannot be read")
        return 1 if unreadable else 3
    print(f"all {total} cases agree")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
