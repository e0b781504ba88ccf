import Foundation

/// What describes a prefilter: blindlist's manifest, or the JSON with a URL that other tools write.
///
/// Members that are not known are skipped, so that apps in the field outlive new ones; those that are known
/// must have their type and range. Format: docs/FILE-FORMATS.md, "Bloom filters".
public struct PrefilterManifest: Equatable, Sendable {
    /// Bits of the filter.
    public let bitCount: Int
    /// Positions of each key.
    public let hashCount: Int
    /// The seed of the second hash function.
    public let murmurSeed: UInt32
    /// The share of other URLs that hit the filter by chance.
    public let falsePositiveTolerance: Double
    /// Keys inserted; nil where it is not told.
    public let itemCount: Int?
    /// What tells this filter from others: in a manifest the SHA-256 of the bits.
    public let tag: String
    /// Where the bits are; may be relative to the manifest's address.
    public let url: String
    /// SHA-256 of the parsing configuration's canonical text; nil for the system's own.
    public let parsingSHA256: String?
    /// Ed25519, 64 bytes, of ``signedText``.
    public let signature: Data?

    /// Bytes of the filter.
    public var byteCount: Int { (bitCount + 7) / 8 }

    /// The longest description that is read.
    public static let maximumBytes = 64 * 1024

    /// The SHA-256 that the bits must have: the tag, when it has that form.
    var digest: String? {
        Self.isDigest(tag) ? tag : nil
    }

    /// SHA-256 in lower-case hex.
    private static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
    }

    /// 1 to `most` bytes without control characters: what is signed has a line for each member.
    private static func isPlain(_ text: String, most: Int) -> Bool {
        (1...most).contains(text.utf8.count) && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }

    /// Whether it can be signed: of blindlist's form, whose tag is the digest of the bits.
    let isSignable: Bool

    /// What a signature of blindlist is of: all that decides which URLs hit. Not the address, since the digest of the bits
    /// is signed wherever they come from.
    public var signedText: String {
        var lines = [
            "blindlist prefilter 1", "bitCount \(bitCount)", "hashCount \(hashCount)", "murmurSeed \(murmurSeed)", "tag \(tag)",
        ]
        if let parsingSHA256 { lines.append("parsingSha256 \(parsingSHA256)") }
        return lines.map { $0 + "\n" }.joined()
    }

    /// Reads either form.
    ///
    /// - Throws: ``PrefilterError/malformed(_:)`` with the member that is wrong.
    public init(json: Data) throws(PrefilterError) {
        let members: Members
        do {
            members = try JSONDecoder().decode(Members.self, from: json)
        } catch let error as DecodingError {
            throw .malformed(Self.reason(error))
        } catch {
            throw .malformed("it cannot be read")
        }
        func need<Value>(_ value: Value?, _ name: String) throws(PrefilterError) -> Value {
            guard let value else { throw .malformed("\(name) is missing") }
            return value
        }
        func check(_ holds: Bool, _ name: String) throws(PrefilterError) {
            if !holds { throw .malformed("\(name) is out of range") }
        }
        bitCount = try need(members.bitCount ?? members.numberOfBits, "bitCount")
        hashCount = try need(members.hashCount ?? members.numberOfHashes, "hashCount")
        murmurSeed = try need(members.murmurSeed, "murmurSeed")
        falsePositiveTolerance = try need(members.falsePositiveTolerance, "falsePositiveTolerance")
        itemCount = members.itemCount
        tag = try need(members.tag, "tag")
        url = try need(members.url, "url")
        parsingSHA256 = members.parsingSha256
        signature = try members.signature.map { (text) throws(PrefilterError) in
            try need(Data(base64Encoded: text), "the base64 of signature")
        }
        try check((1...Int(UInt32.max)).contains(bitCount), "bitCount")
        try check((1...BloomFilter.maximumHashCount).contains(hashCount), "hashCount")
        try check(falsePositiveTolerance > 0 && falsePositiveTolerance < 1, "falsePositiveTolerance")
        try check(Self.isPlain(tag, most: 256), "tag")
        try check(Self.isPlain(url, most: 2048), "url")
        try check(parsingSHA256.map(Self.isDigest) ?? true, "parsingSha256")
        try check(itemCount.map { $0 > 0 } ?? true, "itemCount")
        isSignable = members.bitCount != nil  // a manifest, not the JSON with a URL
        if isSignable {
            try check(digest != nil, "tag")
            try check(members.byteCount == byteCount, "byteCount")
        }
    }

    /// Both forms' members together.
    private struct Members: Decodable {
        let bitCount, numberOfBits, hashCount, numberOfHashes, byteCount, itemCount: Int?
        let murmurSeed: UInt32?
        let falsePositiveTolerance: Double?
        let tag, url, signature, parsingSha256: String?
    }

    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context),
            .keyNotFound(_, let context):
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? "it is no JSON object" : "\(path) has a wrong type or value"
        @unknown default:
            return "it cannot be read"
        }
    }
}
