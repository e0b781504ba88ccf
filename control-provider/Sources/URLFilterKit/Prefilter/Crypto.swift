import Foundation

#if canImport(CryptoKit)
import CryptoKit
#else
import CLibcrypto
#endif

/// SHA-256 of bytes that come in pieces; `finish()` is the last call.
final class SHA256Stream {
    #if canImport(CryptoKit)
    private var hash = SHA256()

    func update(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: bytes)
    }

    /// The digest in lower-case hex.
    func finish() -> String {
        hexText(hash.finalize())
    }
    #else
    private let context = EVP_MD_CTX_new()

    init() {
        let started = EVP_DigestInit_ex(context, EVP_sha256(), nil)
        precondition(started == 1)
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }

    /// The digest in lower-case hex.
    func finish() -> String {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        EVP_DigestFinal_ex(context, &digest, &count)
        return hexText(digest.prefix(Int(count)))
    }
    #endif
}

/// SHA-256 of bytes that are there, in lower-case hex.
func sha256(of bytes: Data) -> String {
    let hash = SHA256Stream()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.finish()
}

/// The Ed25519 public key under which an app takes prefilters. Made with `blindlist sign --new-key`; the app carries it.
public struct PrefilterPublicKey: Equatable, Sendable {
    /// 32 bytes (RFC 8032).
    public let rawBytes: Data

    private static let byteCount = 32
    /// What SubjectPublicKeyInfo has in front of an Ed25519 key (RFC 8410 section 4).
    private static let infoPrefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]

    /// From the text of a public key file (PEM), or the base64 of the 32 bytes or of what is in that file.
    /// Nil for anything else.
    public init?(_ text: String) {
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }
        guard let bytes = Data(base64Encoded: lines.joined()) else { return nil }
        if bytes.count == Self.byteCount {
            rawBytes = bytes
        } else if bytes.count == Self.infoPrefix.count + Self.byteCount, bytes.starts(with: Self.infoPrefix) {
            rawBytes = Data(bytes.suffix(Self.byteCount))
        } else {
            return nil
        }
    }

    /// Whether this key's owner signed the text.
    func verifies(_ signature: Data, of text: Data) -> Bool {
        #if canImport(CryptoKit)
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: rawBytes) else { return false }
        return key.isValidSignature(signature, for: text)
        #else
        let key = rawBytes.withUnsafeBytes { EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, $0.baseAddress, $0.count) }
        let context = EVP_MD_CTX_new()
        defer {
            EVP_MD_CTX_free(context)
            EVP_PKEY_free(key)
        }
        guard let key, EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return signature.withUnsafeBytes { signed in
            text.withUnsafeBytes { bytes in
                EVP_DigestVerify(context, signed.baseAddress, signed.count, bytes.baseAddress, bytes.count) == 1
            }
        }
        #endif
    }
}

private func hexText(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
