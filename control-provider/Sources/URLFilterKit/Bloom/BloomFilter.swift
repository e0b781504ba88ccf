import Foundation

/// A prefilter that can be asked: what a device does before it sends a query.
///
/// Key `k` has the positions `(h1 + i * h2 mod 2^32) mod bitCount`, `i` from 0 to `hashCount - 1`, with
/// `h1` = ``PrefilterHash/fnv1a(_:)`` and `h2` = ``PrefilterHash/murmur3(_:seed:)``. Position `b` is bit
/// `b % 8`, counted from the least significant, of byte `b / 8`.
///
/// The bits may be a mapped file (``init(bitCount:hashCount:murmurSeed:contentsOf:)``), so that a large
/// filter takes next to no memory of its own.
public struct BloomFilter: Sendable {
    /// Bits of the filter; at least 1.
    public let bitCount: UInt32
    /// Positions of each key; 1 to ``maximumHashCount``.
    public let hashCount: Int
    /// The seed of the second hash function.
    public let murmurSeed: UInt32
    /// `ceil(bitCount / 8)` bytes.
    public let bits: Data

    /// The most positions that any reader of this project takes.
    public static let maximumHashCount = 2048

    /// Why numbers and bits make no filter.
    public enum Fault: Error, Equatable, CustomStringConvertible {
        /// A number is out of its range.
        case badNumbers(bitCount: Int, hashCount: Int)
        /// The bits are not as many as the numbers say.
        case wrongSize(bytes: Int, expected: Int)

        public var description: String {
            switch self {
            case .badNumbers(let bitCount, let hashCount):
                "\(bitCount) bits with \(hashCount) hashes are no Bloom filter"
            case .wrongSize(let bytes, let expected):
                "the filter has \(bytes) bytes, by its bit count it would have \(expected)"
            }
        }
    }

    /// A filter of bits that are there.
    ///
    /// - Throws: ``Fault``.
    public init(bitCount: Int, hashCount: Int, murmurSeed: UInt32, bits: Data) throws {
        guard bitCount > 0, let count = UInt32(exactly: bitCount),
            (1...Self.maximumHashCount).contains(hashCount)
        else { throw Fault.badNumbers(bitCount: bitCount, hashCount: hashCount) }
        let expected = (bitCount + 7) / 8
        guard bits.count == expected else { throw Fault.wrongSize(bytes: bits.count, expected: expected) }
        self.bitCount = count
        self.hashCount = hashCount
        self.murmurSeed = murmurSeed
        self.bits = bits
    }

    /// A filter whose bits stay in their file, which is mapped.
    ///
    /// - Throws: ``Fault``, or what reading the file throws.
    public init(bitCount: Int, hashCount: Int, murmurSeed: UInt32, contentsOf file: URL) throws {
        try self.init(
            bitCount: bitCount, hashCount: hashCount, murmurSeed: murmurSeed,
            bits: Data(contentsOf: file, options: .alwaysMapped))
    }

    /// The positions of a key, in order; some may be the same.
    public func positions(of key: String) -> [UInt32] {
        Self.positions(of: key, bitCount: bitCount, hashCount: hashCount, murmurSeed: murmurSeed)
    }

    static func positions(of key: String, bitCount: UInt32, hashCount: Int, murmurSeed: UInt32) -> [UInt32] {
        let item = Array(key.utf8)
        let step = PrefilterHash.murmur3(item, seed: murmurSeed)
        var sum = PrefilterHash.fnv1a(item)
        return (0..<hashCount).map { _ in
            defer { sum &+= step }  // wraps mod 2^32 before the modulo, as on devices
            return sum % bitCount
        }
    }

    /// Whether the filter has the key: false is certain, true may be by chance.
    public func contains(_ key: String) -> Bool {
        positions(of: key).allSatisfy { position in
            bits[bits.startIndex + Int(position / 8)] >> (position % 8) & 1 == 1
        }
    }

    /// The sub-URLs of a URL that hit the filter. None: the device allows the URL and sends nothing.
    /// Otherwise it asks the server about each, and denies the URL when the server has one of them.
    ///
    /// - Returns: nil when `url` is no http or https URL.
    public func hits(of url: String) -> [String]? {
        SubURLs(of: url)?.all.filter(contains)
    }
}
