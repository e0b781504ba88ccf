import Foundation
import Testing

@testable import URLFilterKit

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A blindlist-server behind a host that spoils answers (tests/control-provider/prefilter_host.py); nil: `make test` starts one.
private let host = ProcessInfo.processInfo.environment["BLINDLIST_TEST_HOST"].flatMap { URL(string: $0) }
private let useCase = "one.example.url.filtering"

/// Fetching from a real server, and what can happen on the way.
@Suite(.serialized, .enabled(if: host != nil, "no BLINDLIST_TEST_HOST"))
struct LiveTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "URLFilterKitTests-\(UUID())")

    /// Names one test's requests, and its work folder.
    private let name = UUID().uuidString

    private func options() -> PrefilterSource.Options {
        var options = PrefilterSource.Options()
        options.allowsInsecureHTTP = true
        options.firstDelay = .milliseconds(5)
        options.idleTimeout = .seconds(120)
        options.workFolder = folder
        return options
    }

    private func source(_ what: String, _ change: (inout PrefilterSource.Options) -> Void = { _ in }) throws -> PrefilterSource {
        var options = options()
        change(&options)
        let server = try #require(host).appending(path: "\(what).\(name)")
        return PrefilterSource(server: server, useCase: useCase, options: options)
    }

    private func asked() async throws -> [[String: String]] {
        let (json, _) = try await URLSession.shared.data(from: #require(host).appending(path: "asked/\(name)"))
        return try JSONDecoder().decode([[String: String]].self, from: json)
    }

    private func post(_ path: String) async throws {
        var request = URLRequest(url: try #require(host).appending(path: path))
        request.httpMethod = "POST"
        _ = try await URLSession.shared.data(for: request)
    }

    /// The error that a fetch ends with.
    private func fault(_ source: PrefilterSource, existingTag: String? = nil) async throws -> PrefilterError? {
        do {
            _ = try await source.fetch(existingTag: existingTag)
            return nil
        } catch let fault as PrefilterError {
            return fault
        }
    }

    /// Whether it holds before patience ends.
    private func eventually(_ holds: () async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            if try await holds() { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    private func expectWorks(_ fetched: FetchedPrefilter) throws {
        let filter = try fetched.filter()
        #expect(filter.contains("host7.example"))
        #expect(filter.hits(of: "https://www.host7.example/path")?.contains("host7.example") == true)
        #expect(filter.hits(of: "https://apple.com") == [])
    }

    @Test func firstThenUnchangedThenChanged() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = try source("plain")
        let first = try #require(try await source.fetch(existingTag: nil))
        try expectWorks(first)
        #expect(try await source.fetch(existingTag: first.tag) == nil)
        #expect(try await asked().last?["If-None-Match"] != nil)
        #expect(try await source.fetch(existingTag: "another") != nil)

        try await post("publish")
        let second = try #require(try await source.fetch(existingTag: first.tag))
        #expect(second.tag != first.tag)
        #expect(try second.filter().contains("host3900.example"))
        #expect(!FileManager.default.fileExists(atPath: first.file.path))
    }

    @Test func unchangedWithoutWhatTheServerSaid() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = try #require(try await source("plain").fetch(existingTag: nil))
        try FileManager.default.removeItem(at: folder)
        #expect(try await source("plain").fetch(existingTag: first.tag) == nil)
        #expect(try await asked().last?["If-None-Match"] == nil)
    }

    @Test func interruptedAndResumed() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try expectWorks(#require(try await source("cut").fetch(existingTag: nil)))
        let bits = try await asked().filter { $0["path"]?.hasSuffix(".bloom") == true }
        #expect(bits.count == 3)
        #expect(bits.first?["Range"] == nil)
        #expect(bits.dropFirst().allSatisfy { $0["Range"] != nil && $0["If-Range"] != nil })
    }

    @Test func interruptedAndResumedByAnotherProcess() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = try source("stallsonce")
        let killed = Task { try await source.fetch(existingTag: nil) }
        let isBegun = try await eventually {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            let part = names.first { $0.hasSuffix(".part") }.map { folder.appending(path: $0).path }
            return part.flatMap { try? FileManager.default.attributesOfItem(atPath: $0)[.size] as? Int } == 10
        }
        #expect(isBegun)
        killed.cancel()
        await #expect(throws: CancellationError.self) { _ = try await killed.value }
        try expectWorks(#require(try await source.fetch(existingTag: nil)))
        #expect(try await asked().last?["Range"]?.hasPrefix("bytes=10-") == true)
    }

    @Test func whatWasLeftIsDamaged() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = try #require(try await source("plain").fetch(existingTag: nil))
        // As if a process had been killed in the middle, and the disk had lied.
        let part = first.file.deletingPathExtension().appendingPathExtension("part")
        try Data(repeating: 0xAA, count: 1000).write(to: part)
        try FileManager.default.removeItem(at: first.file)
        try expectWorks(#require(try await source("plain").fetch(existingTag: nil)))
        let ranges = try await asked().filter { $0["path"]?.hasSuffix(".bloom") == true }.map { $0["Range"]?.prefix(11) }
        #expect(ranges == [nil, "bytes=1000-", nil])
    }

    @Test func withoutRanges() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try expectWorks(#require(try await source("noranges").fetch(existingTag: nil)))
    }

    @Test(arguments: ["moved", "withurl", "failstwice"]) func otherWays(_ what: String) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let fetched = try #require(try await source(what).fetch(existingTag: nil))
        try expectWorks(fetched)
        #expect((fetched.tag == "spring") == (what == "withurl"))
    }

    @Test(arguments: ["plist", "plistcut"]) func propertyList(_ what: String) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = try #require(try await source("plain").fetch(existingTag: nil))
        let list = try #require(try await source(what).fetch(existingTag: nil))
        try expectWorks(list)
        #expect(list.tag == manifest.tag)
        #expect(try await source(what).fetch(existingTag: list.tag) == nil)
    }

    @Test func wrongBits() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        guard case .wrongDigest(let found, let expected)? = try await fault(source("flip")) else {
            Issue.record("no wrong digest")
            return
        }
        #expect(found != expected)
        let size = try #require(try await source("plain").fetch(existingTag: nil)).byteCount
        try FileManager.default.removeItem(at: folder)
        #expect(try await fault(source("short")) == .wrongSize(received: size - 1, expected: size))
        #expect(try await fault(source("long")) == .wrongSize(received: size + 1, expected: size))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.hasSuffix(".bloom") })
    }

    @Test func answersThatAreNone() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try await fault(source("gone")) == .notFound(path: "/gone.\(name)/prefilter/\(useCase).json"))
        #expect(try await fault(source("fails")) == .serverFailed(status: 500))
        #expect(try await fault(source("forbids")) == .refused(status: 403))
        #expect(try await fault(source("html")) == .malformed("it is no JSON object"))
        #expect(try await fault(source("endless")) == .malformed("it is no manifest"))
        let asked = try await asked()
        #expect(asked.count == 1 + options().attempts + 3)
    }

    @Test func ownLimits() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let size = try #require(try await source("plain").fetch(existingTag: nil)).byteCount
        #expect(try await fault(source("plain") { $0.maximumBytes = 100 }) == .tooLarge(bytes: size, limit: 100))
        #expect(try await fault(source("plain") { $0.parsingSHA256 = "ab" }) == .wrongParsing(found: nil, expected: "ab"))
        let keys = [try #require(PrefilterPublicKey("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="))]
        #expect(try await fault(source("unsigned") { $0.publicKeys = keys }) == .signatureMissing)
        #expect(try await fault(source("plist") { $0.publicKeys = keys }) == .signatureMissing)
        #expect(try await fault(source("withurl") { $0.publicKeys = keys }) == .signatureMissing)
        #expect(try await fault(source("portal") { $0.publicKeys = keys }) == .malformed("it is no JSON object"))
        #expect(try await fault(source("portal")) == .malformed("it is neither a manifest nor a property list"))
        guard case .badURL? = try await fault(source("plain") { $0.allowsInsecureHTTP = false }) else {
            Issue.record("http was asked")
            return
        }
    }

    @Test func signatures() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = try #require(ProcessInfo.processInfo.environment["BLINDLIST_TEST_PUBLIC_KEY"])
        let key = try #require(PrefilterPublicKey(text))
        let other = try #require(PrefilterPublicKey("Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="))
        let first = try #require(try await source("plain") { $0.publicKeys = [key] }.fetch(existingTag: nil))
        try expectWorks(first)
        // The caller has it; that is no reason to take another's word for it.
        #expect(try await fault(source("plain") { $0.publicKeys = [other] }, existingTag: first.tag) == .signatureWrong)
        #expect(try await fault(source("othersigned") { $0.publicKeys = [key] }) == .signatureWrong)
        #expect(try await fault(source("plain") { $0.publicKeys = [other, key] }) == nil)
        #expect(try await fault(source("othersigned")) == nil)
    }

    @Test func slow() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let fault = try await fault(source("stalls") { $0.idleTimeout = .milliseconds(200); $0.attempts = 2 })
        #expect(fault == .timedOut(seconds: 0.2))
    }

    @Test func oneAtATime() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let waiting = try source("stalls")
        let first = Task { try await waiting.fetch(existingTag: nil) }
        #expect(try await eventually { try await asked().contains { $0["path"]?.hasSuffix(".bloom") == true } })
        #expect(try await fault(source("plain")) == .busy)
        first.cancel()
        await #expect(throws: CancellationError.self) { _ = try await first.value }
    }

    @Test func askedForMoreTimeThanThereIs() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try await fault(source("closed")) == .serverFailed(status: 503))
        #expect(try await asked().count == 1)
    }

    @Test func tooLongInAll() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try await fault(source("stalls") { $0.totalTimeout = .milliseconds(300) }) == .timedOut(seconds: 0.3))
    }

    @Test func replacedMeanwhile() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try expectWorks(#require(try await source("replaced").fetch(existingTag: nil)))
        let ends = try await asked().map { $0["path"].flatMap { URL(filePath: $0).pathExtension } }
        #expect(ends == ["json", "bloom", "json", "bloom"])
    }

    @Test(arguments: ["noetag", "newetags"]) func partsOfNobodyKnowsWhat(_ what: String) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = try #require(host).appending(path: "\(what).\(name)/made.json")
        let fetched = try #require(try await PrefilterSource(url: url, options: options()).fetch(existingTag: nil))
        #expect(fetched.byteCount == 512 * 1024)
        #expect(try await asked().last?["Range"] == nil)
    }

    @Test func unchangedThoughNobodyAsked() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try await fault(source("stale")) == .refused(status: 304))
    }

    @Test func brokenOffEachTime() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let fault = try await fault(source("alwayscut"))
        #expect(fault?.isTransient == true)
    }

    @Test func unreachable() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let nobody = PrefilterSource(server: try #require(URL(string: "http://127.0.0.1:1")), useCase: useCase, options: options())
        guard case .unreachable(host: "127.0.0.1", _)? = try await fault(nobody) else {
            Issue.record("somebody answered")
            return
        }
    }

    /// The last one: ends the server, and the host in front of it stays.
    @Test func serverGone() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let fetched = try #require(try await source("plain").fetch(existingTag: nil))
        try await post("end")
        #expect(try await fault(source("plain"), existingTag: fetched.tag) == .serverFailed(status: 502))
    }
}
