"""Privacy Pass with publicly verifiable tokens (RFC 9577, RFC 9578 section 6; blind RSA of RFC 9474): slow and plain."""
import base64
import hashlib
import math

TOKEN_TYPE = b"\x00\x02"
EXPONENT = 65537
MODULUS_BYTES = 256
DIGEST_BYTES = 48  # SHA-384, and the salt

# ---- DER, as far as keys need it ----


def der(tag, *parts):
    """One value; lengths beyond 127 in as few bytes as there can be."""
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else (lambda n: bytes([128 + len(n)]) + n)(
        size.to_bytes((size.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + length + content


def der_integer(number):
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def der_read(data, tag):
    """The content of the value that data begins with, and what follows it."""
    if len(data) < 2 or data[0] != tag:
        raise ValueError("not the DER that is due")
    size, at = data[1], 2
    if size >= 128:
        at += size - 128
        size = int.from_bytes(data[2:at], "big")
    if len(data) < at + size:
        raise ValueError("DER cut short")
    return data[at:at + size], data[at + size:]


OID_RSA = der(0x06, bytes.fromhex("2a864886f70d010101"))
OID_MGF1 = der(0x06, bytes.fromhex("2a864886f70d010108"))
OID_PSS = der(0x06, bytes.fromhex("2a864886f70d01010a"))
OID_SHA384 = der(0x06, bytes.fromhex("608648016503040202"))
NULL = der(0x05)


def private_key(pkcs8):
    """(modulus, private exponent); ValueError unless the numbers of the key fit each other."""
    content, rest = der_read(pkcs8, 0x30)
    version, content = der_read(content, 0x02)
    algorithm, content = der_read(content, 0x30)
    key, content = der_read(content, 0x04)
    numbers, inner_rest = der_read(key, 0x30)
    if rest or content or inner_rest or version != b"\0" or algorithm != OID_RSA + NULL:
        raise ValueError("not an RSA key as PKCS#8")
    values = []
    while numbers:
        value, numbers = der_read(numbers, 0x02)
        values.append(int.from_bytes(value, "big"))
    zero, n, e, d, p, q, d_p, d_q, q_inverse = values
    if (zero, e, p * q) != (0, EXPONENT, n) or n.bit_length() != 8 * MODULUS_BYTES:
        raise ValueError("not an RSA key of 2048 bits")
    if d * e % math.lcm(p - 1, q - 1) != 1 or (d_p, d_q) != (d % (p - 1), d % (q - 1)) or q * q_inverse % p != 1:
        raise ValueError("the numbers of the key do not fit each other")
    return n, d


def public_key(modulus, hash_parameters=b""):
    """SubjectPublicKeyInfo. Its hash identifiers have no parameters; OpenSSL writes NULL there."""
    sha384 = der(0x30, OID_SHA384, hash_parameters)
    parameters = der(0x30, der(0xa0, sha384), der(0xa1, der(0x30, OID_MGF1, sha384)), der(0xa2, der_integer(DIGEST_BYTES)))
    key = der(0x30, der_integer(modulus), der_integer(EXPONENT))
    return der(0x30, der(0x30, OID_PSS, parameters), der(0x03, b"\0", key))


# ---- the signature ----


def mgf1(seed, size):
    blocks = (hashlib.sha384(seed + i.to_bytes(4, "big")).digest() for i in range(-(-size // DIGEST_BYTES)))
    return b"".join(blocks)[:size]


def pss_encode(message, salt):
    """EMSA-PSS-ENCODE (RFC 8017 section 9.1.1) for 2,047 bits."""
    if len(salt) != DIGEST_BYTES:
        raise ValueError("a salt has 48 bytes")
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(MODULUS_BYTES - 2 * DIGEST_BYTES - 2) + b"\x01" + salt
    masked = bytes(a ^ b for a, b in zip(block, mgf1(digest, len(block))))
    return bytes([masked[0] & 0x7f]) + masked[1:] + digest + b"\xbc"


# ---- the messages ----


def sized(length_bytes, data):
    return len(data).to_bytes(length_bytes, "big") + data


def challenge(issuer_name, redemption_context, origins):
    if not issuer_name or len(redemption_context) not in (0, 32):
        raise ValueError("no such challenge")
    return TOKEN_TYPE + sized(2, issuer_name) + sized(1, redemption_context) + sized(2, origins)


def issue(pkcs8, challenge_digest, nonce, salt, blind):
    """Both sides of one issuance: what device and issuer send each other, and the token."""
    n, d = private_key(pkcs8)
    key_id = hashlib.sha256(public_key(n)).digest()
    r = int.from_bytes(blind, "big")
    if len(nonce) != 32 or len(blind) != MODULUS_BYTES or not 0 < r < n:
        raise ValueError("the nonce has 32 bytes, the blind is in [1, modulus)")
    token_input = TOKEN_TYPE + nonce + challenge_digest + key_id
    encoded = int.from_bytes(pss_encode(token_input, salt), "big")
    blinded = encoded * pow(r, EXPONENT, n) % n
    response = pow(blinded, d, n)
    authenticator = response * pow(r, -1, n) % n
    if pow(authenticator, EXPONENT, n) != encoded:
        raise ValueError("the signature is wrong")
    request = TOKEN_TYPE + key_id[-1:] + blinded.to_bytes(MODULUS_BYTES, "big")
    return token_input, request, response.to_bytes(MODULUS_BYTES, "big"), authenticator.to_bytes(MODULUS_BYTES, "big")


def check_tokens(case):
    n, _ = private_key(case["private_key"])
    spki = public_key(n)
    written = challenge(case["issuer_name"].encode(), case["redemption_context"], case["origins"].encode())
    digest = hashlib.sha256(written).digest()
    token_input, request, response, authenticator = issue(case["private_key"], digest, case["nonce"], case["salt"],
                                                          case["blind"])
    token = token_input + authenticator
    return {"public_key": spki, "token_key_id": hashlib.sha256(spki).digest(),
            "wrong_token_key_id": hashlib.sha256(public_key(n, NULL)).digest(),
            "challenge": written, "challenge_digest": digest, "token_input": token_input,
            "token_request": request, "token_response": response, "token": token,
            "authorization": "PrivateToken token=" + base64.urlsafe_b64encode(token).decode()}
