"""testvectors/lattice.py and exchange.py against the reference: its query, its key, its shard, its bytes.

The published vectors are only as good as what checks them; this ties the Python verifier to what the
reference implementation really answered. Data: BLINDLIST_VECTORS, default ../shared/vectors.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "testvectors"), os.path.join(HERE, "..")]
sys.dont_write_bytecode = True

import lattice  # noqa: E402
from exchange import Shard, read_replies, write_replies  # noqa: E402
from keyword_pir import bucket_find, cuckoo_indices, keyword_hash, place  # noqa: E402
from lattice import Bfv, one_field, parse_fields  # noqa: E402
from tap import check, finish, skip  # noqa: E402

FOLDER = os.path.join(os.environ.get("BLINDLIST_VECTORS", "../shared/vectors"), "pir", "small")
DEGREE, T, MODULI = 4096, 17, [134176769, 268369921, 268361729]
BUCKETS, FUNCTIONS, ENTRY_SIZE, DIMENSIONS = 3, 2, 1024, [2, 1]  # shard-0.params.txtpb


def load(name):
    with open(os.path.join(FOLDER, name), "rb") as file:
        return file.read()


def seeded(message, moduli):
    inner = one_field(message, 1)
    return lattice.unpack_rows(one_field(inner, 1), DEGREE, moduli), one_field(inner, 2)


def switching_key(message, bfv):
    components = []
    for _, ciphertext in parse_fields(one_field(message, 1)):
        poly0, seed = seeded(ciphertext, bfv.all)
        components.append([poly0, lattice.uniform(seed, DEGREE, bfv.all)])
    return components


class ReferenceShard(Shard):
    """Plaintexts read from a .bin, not packed from buckets."""

    def __init__(self, bfv, data):
        self.bfv, self.dims, self.chunks, self.plain = bfv, DIMENSIONS, 1, []
        size, at = len(lattice.pack_rows([[0] * DEGREE] * 2, bfv.top)), 5
        for _ in range(int.from_bytes(data[1:5], "little")):
            at += 1
            if data[at - 1] == 0:
                self.plain.append(None)
                continue
            self.plain.append(lattice.unpack_rows(data[at:at + size], DEGREE, bfv.top))
            at += size


def main():
    if not os.path.exists(os.path.join(FOLDER, "expected.json")):
        skip("the vectors of the reference are not here")
        return finish()
    bfv = Bfv(DEGREE, T, MODULI)
    message = load("evaluation_key.bin")
    galois = {one_field(e, 1): switching_key(one_field(e, 2), bfv)
              for _, e in parse_fields(one_field(message, 1))}
    relin = switching_key(one_field(one_field(message, 2), 1), bfv)
    secret = lattice.unpack_rows(one_field(load("secret_key.bin"), 1)[2:], DEGREE, bfv.all)
    shard = ReferenceShard(bfv, load("shard-0.bin"))
    skips = bfv.skipped_bits()
    expected = json.loads(load("expected.json"))

    # All responses are read; one query is answered, for that takes seconds.
    for query in expected:
        keyword, value = query["keyword"].encode(), None
        replies = read_replies(bfv, load(query["response"]), skips)
        for index, reply in zip(cuckoo_indices(keyword_hash(keyword), BUCKETS, FUNCTIONS), replies):
            decrypted, _ = bfv.decrypt(secret[:1], reply[0], bfv.top[:1])
            data = lattice.coefficients_to_bytes(decrypted, bfv.payload_bits)
            offset = place(index, ENTRY_SIZE, bfv.plaintext_bytes, DIMENSIONS)[3]
            found = bucket_find(data[offset:offset + ENTRY_SIZE], keyword)
            value = found if value is None else value
        wanted = query["value"]
        check(value == (None if wanted is None else wanted.encode()), f"{query['response']}: the value")
    query = expected[0]
    poly0, seed = seeded(parse_fields(load(query["query"]))[0][1], bfv.top)
    ciphertext = [poly0, bfv.inverse(lattice.uniform(seed, DEGREE, bfv.top), bfv.top)]
    selectors = sum(DIMENSIONS)
    expanded = bfv.expand(ciphertext, FUNCTIONS * selectors, galois)
    answers = [shard.answer(j, expanded[selectors * j:selectors * (j + 1)], relin)[0]
               for j in range(FUNCTIONS)]
    check(write_replies(bfv, answers, skips) == load(query["response"]),
          f"{query['query']}: answered with the reference's bytes")
    return finish()


sys.exit(main())
