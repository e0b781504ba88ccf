"""One PIR exchange replayed: keys and query from their seeds, the answer, its decryption."""
import math

import lattice
from cases import Differs, Kind, Malformed, as_json, checked_inputs
from keyword_pir import (bucket_find, bucket_slots, cuckoo_indices, galois_elements, keyword_hash,
                         place, stored_order, up)
from lattice import Bfv, field

QUERY = Kind(None, "indices selectors_set selector_value query steps buckets value "
             "noise_budget_bits", keyword="text", a_seed="hex", error_seed="hex",
             response="base64")

PARAMETER_SETS = {
    "n_4096_logq_27_28_28_logt_5": (4096, 17, [134176769, 268369921, 268361729]),
}

CONTEXTS = {}


def context(degree, t, moduli):
    key = (degree, t, tuple(moduli))
    if key not in CONTEXTS:
        CONTEXTS[key] = Bfv(degree, t, moduli)
    return CONTEXTS[key]


def digest_of(ciphertext, moduli):
    return lattice.sha256(lattice.pack_polynomials(ciphertext, moduli))


class Shard:
    """The plaintexts of a case's tables, in stored order; None = nil."""

    def __init__(self, bfv, case):
        self.bfv, self.case = bfv, case
        self.dims, self.size = case["dimensions"], case["entry_size"]
        self.chunks = up(self.size, bfv.plaintext_bytes)
        self.per = bfv.plaintext_bytes // self.size if self.chunks == 1 else 1
        plaintexts = up(case["buckets_per_table"], self.per)
        if self.dims[0] * self.dims[1] < plaintexts:
            raise Malformed("dimensions are too small for the buckets")
        self.plain = [None if p is None else self.encode(t, c, p) for t, c, p in stored_order(
            case["hash_functions"], self.chunks, self.dims, plaintexts)]

    def encode(self, table, chunk, p):
        entries = self.case["tables"][table][p * self.per:(p + 1) * self.per]
        data = b"".join(e + bytes(self.size - len(e)) for e in entries)
        if self.chunks > 1:
            data = data[chunk * self.bfv.plaintext_bytes:][:self.bfv.plaintext_bytes]
        values = lattice.bytes_to_coefficients(data, self.bfv.payload_bits)
        values += [0] * (self.bfv.degree - len(values))
        return self.bfv.plaintext(values) if any(values) else None

    def file(self):
        """The processed shard as the reference's tool would write it."""
        out = b"\x01" + len(self.plain).to_bytes(4, "little")
        for rows in self.plain:
            out += b"\x00" if rows is None else b"\x01" + lattice.pack_rows(rows, self.bfv.top)
        return out

    def answer(self, table, selectors, relin_key):
        """Replies of one table and the digests of what led to them."""
        bfv, (d0, d1) = self.bfv, self.dims
        zero = [[0] * bfv.degree for _ in bfv.top]
        replies, steps = [], {"dimension_0": [], "product": [], "relinearized": [], "switched": []}
        first = [[bfv.forward(p, bfv.top) for p in ct] for ct in selectors[:d0]]
        for chunk in range(self.chunks):
            start = (table * self.chunks + chunk) * d0 * d1
            columns = []
            for c in range(d1):
                total = [zero, zero]
                for r in range(d0):
                    plain = self.plain[start + c * d0 + r]
                    if plain is not None:
                        total = [bfv.add(s, bfv.product(p, plain, bfv.top), bfv.top)
                                 for s, p in zip(total, first[r])]
                columns.append([bfv.inverse(p, bfv.top) for p in total])
            product = bfv.multiply_sum(list(zip(selectors[d0:], columns)))
            short = bfv.relinearize(product, relin_key)
            reply = bfv.to_first_modulus(short)
            steps["dimension_0"].append([digest_of(c, bfv.top) for c in columns])
            steps["product"].append(digest_of(product, bfv.top))
            steps["relinearized"].append(digest_of(short, bfv.top))
            steps["switched"].append(digest_of(reply, bfv.top[:1]))
            replies.append(reply)
        return replies, steps


def seed_pairs(pairs, count):
    if len(pairs) != count or any(len(p) != 2 for p in pairs):
        raise Malformed("a key needs one pair of seeds for each modulus but the last")
    return [(bytes.fromhex(a), bytes.fromhex(e)) for a, e in pairs]


def check_tables(case):
    """Every row sits where a client looks for it, and nothing else is there."""
    n, h = case["buckets_per_table"], case["hash_functions"]
    if len(case["tables"]) != h or any(len(t) != n for t in case["tables"]):
        raise Malformed("tables do not have the stated number of buckets")
    seen = 0
    for table in case["tables"]:
        for bucket in table:
            if len(bucket) > case["entry_size"]:
                raise Differs("entry_size", case["entry_size"], len(bucket))
            seen += len(bucket_slots(bucket))
    for keyword, value in case["rows"]:
        stored = keyword_hash(keyword.encode())
        found = [(i, x) for i, x in enumerate(cuckoo_indices(stored, n, h))
                 if (stored, value) in bucket_slots(case["tables"][i][x])]
        if len(found) != 1:
            raise Differs("rows", f"the row {keyword} in one bucket", f"in {len(found)}")
    if seen != len(case["rows"]):
        raise Differs("tables", f"{len(case['rows'])} slots", seen)


def read_replies(bfv, response, skips):
    replies = []
    for number, vector in lattice.parse_fields(response):
        if number != 1:
            raise ValueError("unexpected field in the response")
        reply = []
        for _, ciphertext in lattice.parse_fields(vector):
            full = lattice.one_field(ciphertext, 2)
            if (lattice.one_field(full, 3) != 1
                    or list(lattice.one_field(full, 2)) != skips):
                raise ValueError("unexpected skip list or correction factor")
            data, at, polynomials = lattice.one_field(full, 1), 2, []
            for skip in skips:
                width = (bfv.top[0] - 1).bit_length() - skip
                size = up(bfv.degree * width, 8)
                polynomials.append(lattice.unpack_rows(data[at:at + size], bfv.degree,
                                                       bfv.top[:1], skip))
                at += size
            if at != len(data) or data[:2] != b"\x02\x00":
                raise ValueError("a reply has two polynomials")
            reply.append(polynomials)
        replies.append(reply)
    return replies


def write_replies(bfv, replies, skips):
    out = b""
    for reply in replies:
        vector = b""
        for ciphertext in reply:
            polys = lattice.pack_polynomials(ciphertext, bfv.top[:1], skips)
            vector += field(1, field(2, field(1, polys) + field(2, bytes(skips)) + field(3, 1)))
        out += field(1, vector)
    return out


def check_query(bfv, case, shard, secret, galois_keys, relin_key, query):
    n, h, (d0, d1) = case["buckets_per_table"], case["hash_functions"], case["dimensions"]
    keyword = query["keyword"].encode()
    indices = cuckoo_indices(keyword_hash(keyword), n, h)
    selectors = h * (d0 + d1)
    one = pow(2 ** (selectors - 1).bit_length(), -1, bfv.t)
    message = [0] * bfv.degree
    offsets = []
    for j, index in enumerate(indices):
        _, row, column, offset = place(index, case["entry_size"], bfv.plaintext_bytes,
                                       case["dimensions"])
        message[j * (d0 + d1) + row] = one
        message[j * (d0 + d1) + d0 + column] = one
        offsets.append(offset)
    a_seed, error_seed = query["a_seed"], query["error_seed"]
    ciphertext = bfv.encrypt(secret, message, a_seed, error_seed)
    sent = field(1, lattice.seeded_message(bfv, ciphertext[0], a_seed, bfv.top)) + field(2, h)
    # Client's view of the published response.
    skips = bfv.skipped_bits()
    out = {"indices": indices, "selectors_set": [i for i, v in enumerate(message) if v],
           "selector_value": one, "query": sent}
    try:
        replies = read_replies(bfv, query["response"], skips)
    except ValueError as reason:
        raise Differs("response", "a PIRResponse", reason) from reason
    found, buckets, largest = None, [], 0
    for reply, offset in zip(replies, offsets):
        data = b""
        for ct in reply:
            decrypted, worst = bfv.decrypt(secret[:1], ct, bfv.top[:1])
            largest = max(largest, worst)
            data += lattice.coefficients_to_bytes(
                [v % (1 << bfv.payload_bits) for v in decrypted], bfv.payload_bits)
        bucket = data[offset:offset + case["entry_size"]]
        used = 1 + sum(10 + len(v) for _, v in bucket_slots(bucket))
        buckets.append(bucket[:used].hex())
        if found is None:
            found = bucket_find(bucket, keyword)
    out["buckets"], out["value"] = buckets, found
    out["noise_budget_bits"] = (math.floor(100 * math.log2(bfv.top[0] / (2 * largest))) / 100
                                if largest else None)
    # Server's view: the same bytes again.
    expanded = bfv.expand(ciphertext, selectors, galois_keys)
    steps = {"expanded": [digest_of(ct, bfv.top) for ct in expanded]}
    answers = []
    for j in range(h):
        part = expanded[j * (d0 + d1):(j + 1) * (d0 + d1)]
        reply, table_steps = shard.answer(j, part, relin_key)
        answers.append(reply)
        for name, digests in table_steps.items():
            steps.setdefault(name, []).append(digests)
    out["steps"] = steps
    out["response"] = write_replies(bfv, answers, skips)
    return out


def check_exchange(case):
    numbers = (case["degree"], case["plaintext_modulus"], case["moduli"])
    if PARAMETER_SETS.get(case["parameter_set"]) != numbers:
        raise Differs("parameter_set", "a known name and its numbers", case["parameter_set"])
    bfv = context(*numbers)
    check_tables(case)
    shard = Shard(bfv, case)
    stored = shard.file()
    selectors = case["hash_functions"] * sum(case["dimensions"])
    elements = galois_elements(bfv.degree, selectors, "none")
    secret = bfv.secret_key(case["secret_key_seed"])
    if len(case["galois_key_seeds"]) != len(elements):
        raise Malformed("a Galois key needs its seeds, and only those that are needed have any")
    keys, components, galois_message = {}, [], b""
    for g, pairs in zip(elements, case["galois_key_seeds"]):
        seeds = seed_pairs(pairs, len(bfv.top))
        keys[g] = bfv.galois_key(secret, g, seeds)
        message = lattice.switching_key_message(bfv, keys[g], seeds)
        galois_message += field(1, field(1, g) + field(2, message))
        components += keys[g]
    seeds = seed_pairs(case["relinearization_key_seeds"], len(bfv.top))
    relin_key = bfv.relinearization_key(secret, seeds)
    message = field(1, galois_message) + field(
        2, field(1, lattice.switching_key_message(bfv, relin_key, seeds)))
    out = {
        "galois_elements": elements,
        "database_size": len(stored), "database_sha256": lattice.sha256(stored),
        "secret_key_sha256": lattice.sha256(lattice.pack_polynomials([secret], bfv.all)),
        "key_components_sha256": [lattice.sha256(lattice.pack_rows(c[0], bfv.all))
                                  for c in components + relin_key],
        "evaluation_key_size": len(message), "evaluation_key_sha256": lattice.sha256(message),
        "queries": [],
    }
    for i, given in enumerate(case["queries"]):
        query = checked_inputs(given, QUERY, f"queries[{i}]")
        try:
            answer = check_query(bfv, case, shard, secret, keys, relin_key, query)
        except Differs as d:
            raise Differs(f"queries[{i}].{d.args[0]}", *d.args[1:]) from d
        out["queries"].append({**{k: given[k] for k in QUERY.inputs if k != "response"},
                               **{k: as_json(v, k) for k, v in answer.items()}})
    return out
