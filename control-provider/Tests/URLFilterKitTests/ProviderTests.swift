import Foundation
import NetworkExtension
import Testing

@testable import URLFilterKit

private let host = ProcessInfo.processInfo.environment["BLINDLIST_TEST_HOST"].flatMap { URL(string: $0) }

private struct TestProvider: BlindlistControlProvider {
    var configuration: ProviderConfiguration?
    var prefilter: ProviderConfiguration { get throws { try #require(configuration) } }
}

struct ProviderTests {
    @Test(.enabled(if: host != nil, "no BLINDLIST_TEST_HOST")) func handsOver() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "URLFilterKitTests-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        var options = PrefilterSource.Options()
        options.allowsInsecureHTTP = true
        options.workFolder = folder
        options.idleTimeout = .seconds(120)
        options.firstDelay = .milliseconds(5)
        let server = try #require(host)
        let source = PrefilterSource(url: server.appending(path: "little.provider/little.json"), options: options)
        let provider = TestProvider(configuration: ProviderConfiguration(source: source, recordFolder: folder))
        try await provider.start()

        let small = try #require(try await provider.fetchPrefilter(existingPrefilterTag: nil))
        guard case .smallFilter(let bits) = small.data else { throw PrefilterError.malformed("a small filter as a file") }
        #expect(bits.count == 256 * 1024 && small.bitCount == bits.count * 8 && small.hashCount == 10 && small.murmurSeed == 7)
        #expect(try await provider.fetchPrefilter(existingPrefilterTag: small.tag) == nil)
        let record = try #require(PrefilterRecord(in: folder))
        #expect(record.tag == small.tag && record.byteCount == bits.count && record.problem == nil)
        #expect(record.checkedAt != record.fetchedAt)

        var large = provider
        large.configuration?.smallFilterBytes = bits.count - 1
        let other = try #require(try await large.fetchPrefilter(existingPrefilterTag: "other"))
        guard case .temporaryFilepath(let file) = other.data else { throw PrefilterError.malformed("a large filter in memory") }
        #expect(try Data(contentsOf: file) == bits)

        var failing = provider
        failing.configuration?.source = PrefilterSource(url: server.appending(path: "gone.provider/x.json"), options: options)
        await #expect(throws: PrefilterError.notFound(path: "/gone.provider/x.json")) {
            try await failing.fetchPrefilter(existingPrefilterTag: small.tag)
        }
        #expect(PrefilterRecord(in: folder)?.problem?.contains("/gone.provider/x.json") == true)
        #expect(PrefilterRecord(in: folder)?.tag == small.tag)

        let ended = Task { [failing] in
            try? await Task.sleep(for: .seconds(600))  // until it is cancelled
            _ = try await failing.fetchPrefilter(existingPrefilterTag: small.tag)
        }
        ended.cancel()
        await #expect(throws: CancellationError.self) { try await ended.value }
        #expect(PrefilterRecord(in: folder)?.problem?.hasPrefix("The system ended the fetch") == true)
        try await provider.stop(reason: .userInitiated)
    }

    @Test func configurations() throws {
        let whole = try ProviderConfiguration(info: [
            "Server": "https://filter.example.com", "UseCase": "com.example.app.url.filtering",
            "PublicKey": "GUZ/QgVphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWY=", "AllowsInsecureHTTP": false,
        ])
        #expect(
            whole.source.url.absoluteString == "https://filter.example.com/prefilter/com.example.app.url.filtering.json")
        #expect(whole.source.options.publicKeys.count == 1)
        let several = [
            "GUZ/QgVphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWY=", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
        ]
        let info: [String: Any] = ["URL": "https://a.example/f.json", "PublicKey": several]
        #expect(try ProviderConfiguration(info: info).source.options.publicKeys == several.compactMap { PrefilterPublicKey($0) })
        #expect(try ProviderConfiguration(info: ["URL": "https://a.example/f.plist"]).source.url.path() == "/f.plist")
    }

    @Test func configurationsThatAreNone() {
        let good = ["Server": "https://a.example", "UseCase": "b"]
        let faults: [(String, [String: Any])] = [
            ("Server", [:]), ("UseCase", ["Server": "https://a.example"]), ("Server", ["UseCase": "b"]), ("Server", ["Server": 1]),
            ("Server", ["Server": "", "UseCase": "b"]), ("URL", good.merging(["URL": "https://a.example/x"]) { $1 }),
            ("URL", ["URL": "no address"]), ("PublicKey", good.merging(["PublicKey": "AAAA"]) { $1 }),
            ("PublicKey", ["URL": "https://a.example/x", "PublicKey": [String]()]),
            ("PublicKey", ["URL": "https://a.example/x", "PublicKey": ["GUZ/QgVphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWY=", "AAAA"]]),
            ("Sever", good.merging(["Sever": "x"]) { $1 }),
            ("AllowsInsecureHTTP", (good as [String: Any]).merging(["AllowsInsecureHTTP": "yes"]) { $1 }),
        ]
        for (key, info) in faults {
            let fault = #expect(throws: ProviderConfiguration.Fault.self) { try ProviderConfiguration(info: info) }
            #expect(fault?.key == "BlindlistPrefilter.\(key)")
        }
    }
}
