import Foundation
import Testing

@testable import URLFilterKit

/// The Bloom reader against every published vector of the prefilter (`testvectors/` at the top of the tree).
struct VectorTests {
    struct File<Case: Decodable>: Decodable {
        let kind: String
        let format: Int
        let cases: [Case]
    }

    /// The cases of one file. Members that a case does not have are an error of the test.
    static func cases<Case: Decodable>(_ name: String, of type: Case.Type) throws -> [Case] {
        let file = testvectors.appending(path: name + ".json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let read = try decoder.decode(File<Case>.self, from: Data(contentsOf: file))
        #expect(read.kind == "blindlist \(name)")
        #expect(read.format == 1)
        #expect(!read.cases.isEmpty)
        return read.cases
    }

    @Test func hashes() throws {
        struct Case: Decodable {
            let item: String
            let murmurSeeds: [UInt32]
            let fnv1a: UInt32
            let murmur3: [UInt32]
        }
        for each in try Self.cases("hashes", of: Case.self) {
            let item = try #require(bytes(hex: each.item))
            #expect(PrefilterHash.fnv1a(item) == each.fnv1a)
            #expect(each.murmurSeeds.map { PrefilterHash.murmur3(item, seed: $0) } == each.murmur3)
        }
    }

    @Test func geometry() throws {
        struct Case: Decodable {
            let itemCount: Int
            let falsePositiveRate: Double
            let bitCount: UInt32
            let hashCount: Int
            let byteCount: Int
        }
        for each in try Self.cases("geometry", of: Case.self) {
            let geometry = try #require(
                BloomGeometry(itemCount: each.itemCount, falsePositiveRate: each.falsePositiveRate))
            #expect(geometry.bitCount == each.bitCount)
            #expect(geometry.hashCount == each.hashCount)
            #expect(geometry.byteCount == each.byteCount)
        }
    }

    @Test func geometryOfNothing() {
        for (count, rate) in [(0, 0.1), (-1, 0.1), (1, 0), (1, 1), (1, .nan), (300_000_000, 0.001)] {
            #expect(BloomGeometry(itemCount: count, falsePositiveRate: rate) == nil)
        }
    }

    @Test func positions() throws {
        struct Case: Decodable {
            let item: String
            let murmurSeed: UInt32
            let bitCount: UInt32
            let hashCount: Int
            let positions: [UInt32]
        }
        for each in try Self.cases("positions", of: Case.self) {
            // Not of a filter: the largest would have half a gigabyte.
            let found = BloomFilter.positions(
                of: each.item, bitCount: each.bitCount, hashCount: each.hashCount, murmurSeed: each.murmurSeed)
            #expect(found == each.positions)
        }
    }

    @Test func filters() throws {
        struct Case: Decodable {
            let keys: [String]
            let murmurSeed: UInt32
            let probes: [String]
            let bitCount: Int
            let hashCount: Int
            let byteCount: Int
            let bits: String
            let answers: [Bool]
        }
        for each in try Self.cases("filters", of: Case.self) {
            let bits = Data(try #require(bytes(hex: each.bits)))
            let filter = try BloomFilter(
                bitCount: each.bitCount, hashCount: each.hashCount, murmurSeed: each.murmurSeed, bits: bits)
            #expect(each.probes.map(filter.contains) == each.answers)
            #expect(each.keys.allSatisfy(filter.contains))
            var built = Data(count: each.byteCount)
            for position in each.keys.flatMap(filter.positions) { built[Int(position / 8)] |= 1 << (position % 8) }
            #expect(built == bits)
        }
    }

    @Test func subURLs() throws {
        struct Case: Decodable {
            let url: String
            let subUrls: [String]
        }
        for each in try Self.cases("suburls", of: Case.self) {
            let found = try #require(SubURLs(of: each.url)).all
            #expect(found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } == each.subUrls)
        }
    }
}
