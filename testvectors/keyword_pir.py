"""Keyword PIR without the lattice: hashes, buckets, dimensions, places, Galois elements."""
import hashlib
import math


def keyword_hash(keyword):
    return hashlib.sha256(keyword).digest()[:8]


def cuckoo_indices(stored, buckets, functions):
    out = []
    for _ in range(functions):
        for counter in range(11):
            digest = hashlib.sha256(stored[::-1] + bytes([counter])).digest()
            index = int.from_bytes(digest[:8], "little") % buckets
            if index not in out:
                break
        out.append(index)
    return out


def bucket_bytes(rows):
    out = bytes([len(rows)])
    for keyword, value in rows:
        out += keyword_hash(keyword) + len(value).to_bytes(2, "little") + value
    return out


def bucket_slots(data):
    """[(stored hash, value)]; bytes behind the last slot are padding."""
    slots, at = [], 1
    for _ in range(data[0]):
        size = int.from_bytes(data[at + 8:at + 10], "little")
        if at + 10 + size > len(data):
            raise ValueError("bucket is cut short")
        slots.append((data[at:at + 8], data[at + 10:at + 10 + size]))
        at += 10 + size
    return slots


def bucket_find(data, keyword):
    for stored, value in bucket_slots(data):
        if stored == keyword_hash(keyword):
            return value
    return None


def up(a, b):
    return -(-a // b)


def power_above(x):
    return 1 << max(x - 1, 0).bit_length()


def dimensions(plaintexts, batch, uneven):
    d = math.isqrt(plaintexts)
    first, second = d, d
    if first * second < plaintexts:
        first += 1
    if first * second < plaintexts:
        second += 1
    if uneven:
        limit = power_above((first + second) * batch)
        a, b = first, second
        while power_above((a + b) * batch) <= limit:
            first, second = a, b
            if b == 1:
                break
            b -= 1
            a = up(plaintexts, b)
    return [first, second]


def galois_elements(degree, selectors, strategy):
    log = degree.bit_length() - 1
    if degree != 1 << log:
        raise ValueError("the degree is no power of two")
    low = log - (min(selectors, degree) - 1).bit_length() + 1
    high = log if strategy == "none" else max(low, up(log + 1, 2))
    exponents = list(range(low, high + 1))
    if strategy == "hybrid":
        extra = max(high, (log + high + 1) // 2)
        if extra not in exponents:
            exponents.append(extra)
    return [2 ** k + 1 for k in exponents]


def place(index, entry_size, plaintext_bytes, dims):
    per = plaintext_bytes // entry_size if entry_size <= plaintext_bytes else 1
    plaintext, rest = divmod(index, per)
    row, column = divmod(plaintext, dims[1])
    return plaintext, row, column, rest * entry_size


def stored_order(tables, chunks, dims, plaintexts):
    out = []
    for table in range(tables):
        for chunk in range(chunks):
            for column in range(dims[1]):
                for row in range(dims[0]):
                    p = row * dims[1] + column
                    out.append([table, chunk, p if p < plaintexts else None])
    return out
