"""The lattice side of the test vectors in plain Python: nothing but the standard library.

Written to be read beside the format description in README.md, not to be fast: one query takes a few
seconds to answer. Polynomials are lists of Python integers, a polynomial over several moduli is a
list of rows, a ciphertext a list of such polynomials. "Coefficient form" is the natural order;
"evaluation form" is the NTT of it, bit-reversed (class Ring).
"""
import hashlib

# ---- AES-128, encryption only ----


def _make_tables():
    """The S-box, and twice the S-box in the field of 256 elements."""
    def times2(x):
        return (x << 1) ^ (0x11B if x & 0x80 else 0)

    # Powers of the generator 3 give inverses without a search.
    power, log = [0] * 255, [0] * 256
    x = 1
    for i in range(255):
        power[i], log[x] = x, i
        x ^= times2(x)
    sbox = []
    for value in range(256):
        inverse = power[-log[value] % 255] if value else 0
        out = 0x63
        for turn in range(5):
            out ^= (inverse << turn | inverse >> (8 - turn)) & 0xFF
        sbox.append(out)
    return bytes(sbox), bytes(times2(s) for s in sbox)


_SBOX, _SBOX_TIMES_2 = _make_tables()


class Aes128:
    """One key. Works on many blocks at once, byte position by byte position: position i of all
    blocks is one long byte string, looked up with translate() and added as one long number."""

    def __init__(self, key):
        words = [key[i:i + 4] for i in range(0, 16, 4)]
        round_constant = 1
        while len(words) < 44:
            word = words[-1]
            if len(words) % 4 == 0:
                word = (word[1:] + word[:1]).translate(_SBOX)
                word = bytes([word[0] ^ round_constant]) + word[1:]
                round_constant = (round_constant << 1) ^ (0x11B if round_constant & 0x80 else 0)
            words.append(bytes(x ^ y for x, y in zip(words[-4], word)))
        self._round_keys = [b"".join(words[i:i + 4]) for i in range(0, 44, 4)]

    def encrypt(self, blocks):
        count = len(blocks) // 16
        repeat = int.from_bytes(b"\x01" * count, "big")

        def numbers(columns):
            return [int.from_bytes(c, "big") for c in columns]

        def with_key(columns, key):
            return [(c ^ k * repeat).to_bytes(count, "big") for c, k in zip(columns, key)]

        state = with_key(numbers(blocks[i::16] for i in range(16)), self._round_keys[0])
        for key in self._round_keys[1:-1]:
            # Row i % 4 of the state moves i % 4 columns to the left.
            moved = [state[(i + 4 * (i % 4)) % 16] for i in range(16)]
            once = numbers(c.translate(_SBOX) for c in moved)
            twice = numbers(c.translate(_SBOX_TIMES_2) for c in moved)
            mixed = []
            for i in range(16):
                a, b, c, d = (i - i % 4 + (i + k) % 4 for k in range(4))
                mixed.append(twice[a] ^ twice[b] ^ once[b] ^ once[c] ^ once[d])
            state = with_key(mixed, key)
        moved = [state[(i + 4 * (i % 4)) % 16].translate(_SBOX) for i in range(16)]
        out = bytearray(16 * count)
        for i, column in enumerate(with_key(numbers(moved), self._round_keys[-1])):
            out[i::16] = column
        return bytes(out)


# ---- the random stream: CTR_DRBG of NIST SP 800-90A, AES-128, no derivation function ----

REQUEST_BYTES = 4096


class Drbg:
    def __init__(self, seed):
        if len(seed) != 32:
            raise ValueError("a seed has 32 bytes")
        self.key, self.v = bytes(16), 0
        self._update(seed)
        self._buffer = b""

    def _blocks(self, count):
        counters = b"".join(((self.v + i) % (1 << 128)).to_bytes(16, "big")
                            for i in range(1, count + 1))
        return Aes128(self.key).encrypt(counters)

    def _update(self, data):
        mixed = bytes(x ^ y for x, y in zip(self._blocks(2), data))
        self.key, self.v = mixed[:16], int.from_bytes(mixed[16:], "big")

    def request(self, size):
        count = -(-size // 16)
        out = self._blocks(count)[:size]
        self.v = (self.v + count) % (1 << 128)
        self._update(bytes(32))
        return out

    def read(self, size):
        """The next bytes of the stream that consecutive requests of 4096 bytes make."""
        parts, have = [self._buffer], len(self._buffer)
        while have < size:
            parts.append(self.request(REQUEST_BYTES))
            have += REQUEST_BYTES
        whole = b"".join(parts)
        self._buffer = whole[size:]
        return whole[:size]


def uniform(seed, degree, moduli):
    """Rows of uniform residues; as the second polynomial of a ciphertext: evaluation form."""
    stream = Drbg(seed)
    rows = []
    for q in moduli:
        raw = stream.read(16 * degree)
        rows.append([int.from_bytes(raw[i:i + 16], "little") % q for i in range(0, len(raw), 16)])
    return rows


def ternary(seed, degree):
    """Small integers -1, 0, 1."""
    raw = Drbg(seed).read(12 * degree)
    return [((int.from_bytes(raw[i:i + 8], "little") << 32)
             + int.from_bytes(raw[i + 8:i + 12], "little")) % 3 - 1
            for i in range(0, len(raw), 12)]


def centred_binomial(seed, degree):
    """Small integers -21..21: 21 coin tosses against 21."""
    raw = Drbg(seed).read(16 * degree)
    mask = (1 << 21) - 1
    return [bin(int.from_bytes(raw[i:i + 8], "little") & mask).count("1")
            - bin(int.from_bytes(raw[i + 8:i + 16], "little") & mask).count("1")
            for i in range(0, len(raw), 16)]


def rows_of(small, moduli):
    return [[v % q for v in small] for q in moduli]


# ---- bits and bytes ----


def pack_bits(values, width):
    """Values of `width` bits back to back, most significant bit first, zero bits at the end."""
    if not values or width == 0:
        return b""
    text = "".join([format(v, f"0{width}b") for v in values])
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def unpack_bits(data, width, count):
    if width == 0:
        return [0] * count
    text = bin(int.from_bytes(b"\x01" + data, "big"))[3:]
    return [int(text[i * width:(i + 1) * width], 2) for i in range(count)]


def pack_rows(rows, moduli, skip=0):
    """A polynomial: each row padded to whole bytes on its own; `skip` low bits are cut off."""
    return b"".join(pack_bits([v >> skip for v in row], (q - 1).bit_length() - skip)
                    for row, q in zip(rows, moduli))


def unpack_rows(data, degree, moduli, skip=0):
    rows, at = [], 0
    for q in moduli:
        width = (q - 1).bit_length() - skip
        size = -(-degree * width // 8)
        if len(data) < at + size:
            raise ValueError("polynomial is cut short")
        rows.append([v << skip for v in unpack_bits(data[at:at + size], width, degree)])
        at += size
    if at != len(data):
        raise ValueError("bytes after the polynomial")
    return rows


def pack_polynomials(polynomials, moduli, skips=None):
    """Count as 16-bit little-endian number, then the polynomials."""
    skips = skips or [0] * len(polynomials)
    return len(polynomials).to_bytes(2, "little") + b"".join(
        pack_rows(p, moduli, s) for p, s in zip(polynomials, skips))


def bytes_to_coefficients(data, width):
    count = -(-8 * len(data) // width)
    return unpack_bits(data + bytes(width), width, count)


def coefficients_to_bytes(values, width):
    """The inverse; an incomplete last byte is dropped."""
    return pack_bits(values, width)[:len(values) * width // 8]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# ---- the number-theoretic transform ----


def reversed_bits(value, width):
    return int(format(value, f"0{width}b")[::-1], 2) if width else 0


def least_root(q, degree):
    """The smallest number whose degree-th power is -1 modulo q."""
    if degree < 2 or degree & (degree - 1) or (q - 1) % (2 * degree) or pow(3, q - 1, q) != 1:
        raise ValueError("modulus and degree do not fit")
    for g in range(2, q):
        w = pow(g, (q - 1) // (2 * degree), q)
        if pow(w, degree, q) == q - 1:
            break
    else:
        raise ValueError("no root of that order")
    square, best = w * w % q, w
    for _ in range(degree - 1):
        w = w * square % q
        best = min(best, w)
    return best


class Ring:
    """Polynomials modulo X^degree + 1 and one prime q."""

    def __init__(self, degree, q):
        self.degree, self.q = degree, q
        self.log = degree.bit_length() - 1
        self.psi = least_root(q, degree)
        powers = [1]
        for _ in range(degree - 1):
            powers.append(powers[-1] * self.psi % q)
        self._w = [powers[reversed_bits(j, self.log)] for j in range(degree)]
        self._w_inverse = [pow(w, -1, q) for w in self._w]
        self._degree_inverse = pow(degree, -1, q)

    # A step works on pairs (k, k + d) in m blocks of 2d values, each block with its own factor.
    # _pairs() yields them as slices, along the blocks or across them, whichever are fewer.

    def _pairs(self, m, d, factors):
        if m < d:
            for i in range(m):
                yield slice(2 * i * d, 2 * i * d + d), slice(2 * i * d + d, 2 * i * d + 2 * d), \
                    [factors[m + i]] * d
        else:
            for k in range(d):
                yield slice(k, None, 2 * d), slice(k + d, None, 2 * d), factors[m:2 * m]

    def forward(self, coefficients):
        """Value i is the polynomial at psi^(2 * reversed(i) + 1)."""
        a, q, m, d = list(coefficients), self.q, 1, self.degree // 2
        while d:
            for low, high, factors in self._pairs(m, d, self._w):
                x, y = a[low], [v * w % q for v, w in zip(a[high], factors)]
                a[low] = [(v + u) % q for v, u in zip(x, y)]
                a[high] = [(v - u) % q for v, u in zip(x, y)]
            m, d = 2 * m, d // 2
        return a

    def inverse(self, values):
        a, q, m, d = list(values), self.q, self.degree // 2, 1
        while m:
            for low, high, factors in self._pairs(m, d, self._w_inverse):
                x, y = a[low], a[high]
                a[low] = [(v + u) % q for v, u in zip(x, y)]
                a[high] = [(v - u) * w % q for v, u, w in zip(x, y, factors)]
            m, d = m // 2, 2 * d
        return [x * self._degree_inverse % q for x in a]

    def automorphism(self, coefficients, g):
        """f(X) becomes f(X^g), coefficient form."""
        out = [0] * self.degree
        for k, v in enumerate(coefficients):
            wraps, place = divmod(k * g, self.degree)
            out[place] = (-v if wraps % 2 else v) % self.q
        return out


def automorphism_sources(degree, g):
    """In evaluation form the same automorphism moves values: out[i] = in[sources[i]]."""
    log = degree.bit_length() - 1
    return [reversed_bits((g * (2 * reversed_bits(i, log) + 1) % (2 * degree) - 1) // 2, log)
            for i in range(degree)]


def centred(x, m):
    x %= m
    return x - m if 2 * x > m else x


def divide_and_round(rows, moduli):
    """Drops the last modulus: floor((X + h) / q_last) for the X that the rows stand for."""
    last = moduli[-1]
    half = last // 2
    shifted = [(x + half) % last for x in rows[-1]]
    out = []
    for row, q in zip(rows[:-1], moduli[:-1]):
        factor = pow(last, -1, q)
        out.append([(x + half - y) * factor % q for x, y in zip(row, shifted)])
    return out


# ---- BFV ----


class Bfv:
    """One parameter set: `moduli` as on the wire, the last one for key switching only."""

    WORD_BITS = 32

    def __init__(self, degree, t, moduli):
        self.degree, self.t, self.all = degree, t, list(moduli)
        self.log = degree.bit_length() - 1
        self.top = self.all[:-1]
        self.special = self.all[-1]
        self.rings = {q: Ring(degree, q) for q in self.all}
        self.payload_bits = t.bit_length() - 1
        self.plaintext_bytes = degree * self.payload_bits // 8

    def forward(self, rows, moduli):
        return [self.rings[q].forward(row) for row, q in zip(rows, moduli)]

    def inverse(self, rows, moduli):
        return [self.rings[q].inverse(row) for row, q in zip(rows, moduli)]

    @staticmethod
    def product(a, b, moduli):
        return [[x * y % q for x, y in zip(r, s)] for r, s, q in zip(a, b, moduli)]

    @staticmethod
    def add(a, b, moduli):
        return [[(x + y) % q for x, y in zip(r, s)] for r, s, q in zip(a, b, moduli)]

    @staticmethod
    def subtract(a, b, moduli):
        return [[(x - y) % q for x, y in zip(r, s)] for r, s, q in zip(a, b, moduli)]

    @staticmethod
    def whole(moduli):
        out = 1
        for q in moduli:
            out *= q
        return out

    def integers(self, rows, moduli):
        """The integers in [0, product of the moduli) that the rows stand for."""
        whole = self.whole(moduli)
        factors = [whole // q * pow(whole // q, -1, q) for q in moduli]
        return [sum(x * f for x, f in zip(column, factors)) % whole for column in zip(*rows)]

    # Keys.

    def secret_key(self, seed):
        """Evaluation form over all moduli."""
        return self.forward(rows_of(ternary(seed, self.degree), self.all), self.all)

    def encrypt_zero(self, secret, a_seed, error_seed, moduli):
        """c0 + c1*s = -e; evaluation form."""
        a = uniform(a_seed, self.degree, moduli)
        error = self.forward(rows_of(centred_binomial(error_seed, self.degree), moduli), moduli)
        product = self.product(a, secret, moduli)
        zero = [[0] * self.degree for _ in moduli]
        return [self.subtract(zero, self.add(product, error, moduli), moduli), a]

    def switching_key(self, secret, from_secret, seeds):
        """Components [c0, c1] in evaluation form over all moduli; seeds = [(a, error), ...]."""
        components = []
        for j, (a_seed, error_seed) in enumerate(seeds):
            component = self.encrypt_zero(secret, a_seed, error_seed, self.all)
            q = self.all[j]
            component[0][j] = [(x + self.special * y) % q
                               for x, y in zip(component[0][j], from_secret[j])]
            components.append(component)
        return components

    def galois_key(self, secret, g, seeds):
        sources = automorphism_sources(self.degree, g)
        return self.switching_key(secret, [[row[i] for i in sources] for row in secret], seeds)

    def relinearization_key(self, secret, seeds):
        return self.switching_key(secret, self.product(secret, secret, self.all), seeds)

    # Encryption and decryption.

    def encrypt(self, secret, message, a_seed, error_seed):
        """Coefficient form over the ciphertext moduli."""
        c0, c1 = self.encrypt_zero(secret[:len(self.top)], a_seed, error_seed, self.top)
        c0, c1 = self.inverse(c0, self.top), self.inverse(c1, self.top)
        whole, half = self.whole(self.top), (self.t + 1) // 2
        scaled = [(whole * m + half) // self.t for m in message]
        return [self.add(c0, rows_of(scaled, self.top), self.top), c1]

    def phase(self, secret, ciphertext, moduli):
        """Integers c0 + c1*s modulo the product of the moduli."""
        c1 = self.forward(ciphertext[1], moduli)
        product = self.inverse(self.product(c1, secret, moduli), moduli)
        return self.integers(self.add(ciphertext[0], product, moduli), moduli)

    def decrypt(self, secret, ciphertext, moduli):
        """Message and the largest |t*x| modulo Q, of which the noise budget is made."""
        whole = self.whole(moduli)
        phase = self.phase(secret, ciphertext, moduli)
        message = [((2 * self.t * x + whole) // (2 * whole)) % self.t for x in phase]
        return message, max(abs(centred(self.t * x, whole)) for x in phase)

    # Server.

    def switch(self, polynomial, key):
        """Key switching of one polynomial in coefficient form over the ciphertext moduli."""
        count, out = len(self.top), []
        digits = []
        for row in polynomial:
            digits.append([self.rings[m].forward([x % m for x in row]) for m in self.all])
        for k in (0, 1):
            sums = []
            for i, m in enumerate(self.all):
                total = [0] * self.degree
                for j in range(count):
                    total = [(s + x * y) % m
                             for s, x, y in zip(total, digits[j][i], key[j][k][i])]
                sums.append(total)
            out.append(divide_and_round(self.inverse(sums, self.all), self.all))
        return out

    def rotate(self, ciphertext, g, key):
        turned = [[self.rings[q].automorphism(row, g) for row, q in zip(p, self.top)]
                  for p in ciphertext]
        u0, u1 = self.switch(turned[1], key)
        return [self.add(turned[0], u0, self.top), u1]

    def divide_by_power(self, ciphertext, s):
        """Times X^-s: coefficient i moves to i - s, negated when it wraps."""
        return [[row[s:] + [-x % q for x in row[:s]] for row, q in zip(p, self.top)]
                for p in ciphertext]

    def expand(self, ciphertext, count, galois_keys):
        """`count` ciphertexts; number i encrypts coefficient i times 2^ceil(log2(count))."""
        height = (count - 1).bit_length()
        out = [ciphertext] + [None] * (count - 1)
        for level in range(1, height + 1):
            s = 1 << (level - 1)
            target = (self.degree >> (level - 1)) + 1
            g = max(e for e in galois_keys if e <= target)
            for r in range(s):
                e = out[r]
                if r + s < count:
                    turned = e
                    for _ in range((target - 1) // (g - 1)):
                        turned = self.rotate(turned, g, galois_keys[g])
                    out[r + s] = self.divide_by_power(
                        [self.subtract(a, b, self.top) for a, b in zip(e, turned)], s)
                else:
                    turned = e
                out[r] = [self.add(a, b, self.top) for a, b in zip(e, turned)]
        return out

    def plaintext(self, coefficients):
        """Centred lift, evaluation form over the ciphertext moduli."""
        middle = self.t // 2
        small = [v if v <= middle else v - self.t for v in coefficients]
        return self.forward(rows_of(small, self.top), self.top)

    def lift(self, rows):
        """Integers near zero that the rows stand for, as the 32-bit reference takes them."""
        whole, m = self.whole(self.top), 1 << (self.WORD_BITS // 2)
        inverses = [pow(whole // q, -1, q) for q in self.top]
        whole_inverse, out = pow(whole, -1, m), []
        for column in zip(*rows):
            c = sum(x * m * inv % q * (whole // q)
                    for x, inv, q in zip(column, inverses, self.top))
            r = -c * whole_inverse % m
            r -= m if r >= m // 2 else 0
            out.append((c + whole * r) // m)
        return out

    def scale(self, integers):
        """t/Q times each, with the reference's floor."""
        whole = self.whole(self.top)
        inverses = [pow(whole // q, -1, q) for q in self.top]
        out = []
        for d in integers:
            y = self.t * d
            out.append((y - sum(y * inv % q * (whole // q)
                                for inv, q in zip(inverses, self.top))) // whole)
        return rows_of(out, self.top)

    def negacyclic(self, a, b):
        """Product of integer polynomials modulo X^degree + 1, by one product of long numbers."""
        bound = max(map(abs, a)) * max(map(abs, b)) * self.degree
        width = bound.bit_length() + 2

        def joined(values, sign):
            text = "".join([format(max(sign * v, 0), f"0{width}b") for v in reversed(values)])
            return int(text, 2)

        number = (joined(a, 1) - joined(a, -1)) * (joined(b, 1) - joined(b, -1))
        # An offset that makes every digit positive, taken off again digit by digit.
        middle, count = 1 << (width - 1), 2 * self.degree
        number += int(format(middle, f"0{width}b") * count, 2)
        text = format(number, f"0{width * count}b")
        digits = [int(text[i:i + width], 2) - middle for i in range(0, len(text), width)][::-1]
        return [x - y for x, y in zip(digits[:self.degree], digits[self.degree:])]

    def multiply_sum(self, pairs):
        """Sum of ciphertext products, scaled once: three polynomials."""
        sums = [[0] * self.degree for _ in range(3)]
        for x, y in pairs:
            x0, x1 = (self.lift(p) for p in x)
            y0, y1 = (self.lift(p) for p in y)
            for place, a, b in ((0, x0, y0), (1, x0, y1), (1, x1, y0), (2, x1, y1)):
                sums[place] = [s + v for s, v in zip(sums[place], self.negacyclic(a, b))]
        return [self.scale(s) for s in sums]

    def relinearize(self, ciphertext, key):
        u0, u1 = self.switch(ciphertext[2], key)
        return [self.add(ciphertext[0], u0, self.top), self.add(ciphertext[1], u1, self.top)]

    def to_first_modulus(self, ciphertext):
        moduli = list(self.top)
        while len(moduli) > 1:
            ciphertext = [divide_and_round(p, moduli) for p in ciphertext]
            moduli.pop()
        return ciphertext

    def skipped_bits(self):
        """Low bits that a response leaves out, for its two polynomials."""
        q0 = self.top[0]
        room = (q0 // self.t).bit_length() - 1 - 3 if q0 >= 2 * self.t else 0
        # floor(8 * sqrt(2N/9)) without floating point, then the ceiling of its logarithm
        square, root = 128 * self.degree, 0
        while 9 * (root + 1) ** 2 <= square:
            root += 1
        second = room - (root - 1).bit_length()
        if second <= 1:
            return [max(room + 1, 0), 0]
        return [max(room, 0), second]


# ---- Protobuf, as much as the messages here need ----


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, content):
    """A length-delimited field, or a number."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def seeded_message(bfv, poly0, seed, moduli):
    """SerializedCiphertext with its second polynomial given by a seed."""
    return field(1, field(1, pack_rows(poly0, moduli)) + field(2, seed))


def switching_key_message(bfv, components, seeds):
    """SerializedKeySwitchKey."""
    return field(1, b"".join(field(1, seeded_message(bfv, c[0], s[0], bfv.all))
                             for c, s in zip(components, seeds)))


def parse_fields(data):
    """[(number, value)] with bytes or integers as values."""
    def number(at):
        value = shift = 0
        while True:
            if at >= len(data) or shift > 63:
                raise ValueError("message is cut short")
            byte = data[at]
            value |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                return value, at

    out, at = [], 0
    while at < len(data):
        tag, at = number(at)
        if tag & 7 == 0:
            value, at = number(at)
        elif tag & 7 == 2:
            size, at = number(at)
            if at + size > len(data):
                raise ValueError("message is cut short")
            value, at = data[at:at + size], at + size
        else:
            raise ValueError("unexpected wire type")
        out.append((tag >> 3, value))
    return out


def one_field(data, number):
    found = [v for n, v in parse_fields(data) if n == number]
    if len(found) != 1:
        raise ValueError(f"field {number} is there {len(found)} times")
    return found[0]
