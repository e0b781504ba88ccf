import Foundation
import Testing

@testable import URLFilterKit

struct BloomTests {
    @Test func numbersThatMakeNoFilter() {
        for (bits, hashes) in [(0, 1), (-8, 1), (8, 0), (8, 2049), (1 << 32, 1)] {
            #expect(throws: BloomFilter.Fault.badNumbers(bitCount: bits, hashCount: hashes)) {
                try BloomFilter(bitCount: bits, hashCount: hashes, murmurSeed: 0, bits: Data(count: 1))
            }
        }
        #expect(throws: BloomFilter.Fault.wrongSize(bytes: 3, expected: 2)) {
            try BloomFilter(bitCount: 9, hashCount: 1, murmurSeed: 0, bits: Data(count: 3))
        }
    }

    @Test func bitsInTheMiddleOfOtherData() throws {
        let data = Data([0, 0xE7, 0x37, 0])[1..<3]  // the first filter of filters.json
        let filter = try BloomFilter(bitCount: 15, hashCount: 11, murmurSeed: 0, bits: data)
        #expect(filter.contains("example.com"))
        #expect(!filter.contains("example.org"))
    }

    @Test func hitsOfURLs() throws {
        let filter = try BloomFilter(bitCount: 15, hashCount: 11, murmurSeed: 0, bits: Data([0xE7, 0x37]))
        #expect(filter.hits(of: "https://www.example.com/x")?.contains("example.com") == true)
        #expect(filter.hits(of: "https://example.org") == [])
        #expect(filter.hits(of: "ftp://example.com") == nil)
    }

    @Test(arguments: [
        "", "example.com", "ftp://example.com", "https://", "https:///a", "https://a..b/", "https://exa mple.com",
        "https://[::1/", "https://example.com:0/", "https://example.com:65536/", "https://example.com:x/",
        "https://" + String(repeating: "a", count: 64) + ".example/", "https://e.example/" + String(repeating: "a", count: 8192),
    ]) func noURL(_ text: String) {
        #expect(SubURLs(of: text) == nil)
    }

    @Test func whatBrowsersDoToURLs() throws {
        let all = try #require(SubURLs(of: "https://e.example\\A\\%2E%2E\\b{\u{e9}?x='\"#`")).all
        #expect(all.contains("e.example/b%7b%c3%a9"))
        #expect(all.contains("e.example/b%7b%c3%a9?x=%27%22#%60"))
        #expect(!all.contains("e.example/a"))
    }
}
