import Foundation
import Testing

@testable import URLFilterKit

/// What is read of a manifest, and what of it a signature is of.
struct ManifestTests {
    private static let digest = String(repeating: "0123456789abcdef", count: 4)
    private static let parsing = String(repeating: "fedcba9876543210", count: 4)

    private func manifest(_ change: [String: Any] = [:]) throws -> PrefilterManifest {
        let whole: [String: Any] = [
            "bitCount": 1000, "byteCount": 125, "falsePositiveTolerance": 0.001, "hashCount": 7, "itemCount": 10,
            "murmurSeed": UInt32.max, "tag": Self.digest, "url": "list.bloom",
        ]
        let members = whole.merging(change) { $1 }.filter { !($0.value is NSNull) }
        return try PrefilterManifest(json: JSONSerialization.data(withJSONObject: members))
    }

    /// Values of tests/bloom/formats/test_bloom_signature.c, which another implementation made.
    @Test func signaturesOfOthers() throws {
        let key = try #require(PrefilterPublicKey("Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="))
        let plain = try manifest(["signature": "1J6tCk3TBkA4CPBJSNxyBOoBBEIy7Mx7I2M55qpxG+X/2mE0E5ItASySwCuqEuji7WgOhALd0KqlnKHkZGNIBg=="])
        #expect(key.verifies(try #require(plain.signature), of: Data(plain.signedText.utf8)))
        let parsed = try manifest([
            "signature": "vazweGkr/Dy659QENuzai5qL7w4miqIpjtL+NU49MmKv3A0XKpdpCG13kD2QI3FcmL3H/wQ304uLI0eT7VVjCA==",
            "parsingSha256": Self.parsing,
        ])
        #expect(key.verifies(try #require(parsed.signature), of: Data(parsed.signedText.utf8)))
        #expect(!key.verifies(try #require(plain.signature), of: Data(parsed.signedText.utf8)))
    }

    /// A tag with a line in it would have the signed text of another manifest, and would be the digest of no bits.
    @Test func linesInMembers() {
        let url: [String: Any] = ["bitCount": NSNull(), "hashCount": NSNull(), "numberOfBits": 1000, "numberOfHashes": 7]
        for (name, members) in [
            ("tag", url.merging(["tag": "\(Self.digest)\nparsingSha256 \(Self.parsing)"]) { $1 }), ("tag", ["tag": "spring"]),
            ("url", ["url": "a\u{7f}b"]), ("parsingSha256", ["parsingSha256": "ab"]),
            ("parsingSha256", ["parsingSha256": "\(Self.parsing)\n"]),
        ] {
            #expect(throws: PrefilterError.malformed("\(name) is out of range")) { try manifest(members) }
        }
    }

    @Test func onlyManifestsAreSigned() throws {
        #expect(try manifest().isSignable)
        let other = try manifest(["bitCount": NSNull(), "hashCount": NSNull(), "numberOfBits": 1000, "numberOfHashes": 7])
        #expect(!other.isSignable)
    }
}
