/// The two hash functions of the prefilter, as devices compute them.
///
/// All arithmetic is unsigned, 32 bits wide, and wraps. Items are the UTF-8 bytes of a key, which is
/// ASCII in practice because hosts are in Punycode.
///
/// Source: PROTOCOL.md section 2; `testvectors/hashes.json` has values of both for many items.
public enum PrefilterHash {
    /// 32-bit FNV-1a: for each byte, first exclusive or, then the product. (FNV-1 has it the other way
    /// round, and a filter built with that never matches.)
    public static func fnv1a(_ item: [UInt8]) -> UInt32 {
        item.reduce(0x811C_9DC5) { hash, byte in (hash ^ UInt32(byte)) &* 0x0100_0193 }
    }

    /// MurmurHash3_x86_32.
    ///
    /// - Parameters:
    ///   - item: any number of bytes.
    ///   - seed: the filter's `murmurSeed`.
    public static func murmur3(_ item: [UInt8], seed: UInt32) -> UInt32 {
        var hash = seed
        let whole = item.count / 4 * 4
        for start in stride(from: 0, to: whole, by: 4) {
            hash = rotated(hash ^ scrambled(word(item[start..<start + 4])), by: 13) &* 5 &+ 0xE654_6B64
        }
        hash ^= scrambled(word(item[whole...]))
        hash ^= UInt32(truncatingIfNeeded: item.count)
        hash = (hash ^ hash >> 16) &* 0x85EB_CA6B
        hash = (hash ^ hash >> 13) &* 0xC2B2_AE35
        return hash ^ hash >> 16
    }

    /// Up to four bytes as a little-endian word.
    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func scrambled(_ word: UInt32) -> UInt32 {
        rotated(word &* 0xCC9E_2D51, by: 15) &* 0x1B87_3593
    }

    private static func rotated(_ word: UInt32, by count: UInt32) -> UInt32 {
        word << count | word >> (32 - count)
    }
}
