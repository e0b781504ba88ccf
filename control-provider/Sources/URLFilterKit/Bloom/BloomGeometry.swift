import Foundation

/// How large a prefilter is for a number of keys and a rate of false positives.
///
/// A filter's own numbers travel with its bits; this is for those who want to know beforehand.
///
/// Source: PROTOCOL.md section 2. Everything is computed in IEEE double, and both roundings are up.
public struct BloomGeometry: Equatable, Sendable {
    /// Bits of the filter, `ceil(-(n ln p) / (ln 2)^2)`.
    public let bitCount: UInt32
    /// Positions of each key, `ceil(bitCount / n * ln 2)`.
    public let hashCount: Int
    /// Bytes of the filter, `ceil(bitCount / 8)`.
    public var byteCount: Int { (Int(bitCount) + 7) / 8 }

    /// Nil when the numbers make no filter: no items, a rate that is not between 0 and 1, or more
    /// than 2^32 - 1 bits.
    ///
    /// - Parameters:
    ///   - itemCount: keys, at least 1.
    ///   - falsePositiveRate: the share of other URLs that hit the filter by chance, in (0, 1).
    public init?(itemCount: Int, falsePositiveRate: Double) {
        guard itemCount > 0, falsePositiveRate > 0, falsePositiveRate < 1 else { return nil }
        let logOf2 = log(2.0)
        let bits = (-(Double(itemCount) * log(falsePositiveRate)) / (logOf2 * logOf2)).rounded(.up)
        guard let bitCount = UInt32(exactly: bits) else { return nil }
        self.bitCount = bitCount
        hashCount = Int((bits / Double(itemCount) * logOf2).rounded(.up))
    }
}
