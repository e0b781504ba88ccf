import Foundation
import Testing

@testable import URLFilterKit

private let host = ProcessInfo.processInfo.environment["BLINDLIST_TEST_HOST"].flatMap { URL(string: $0) }

#if os(Linux)
/// Alone in its process: what other tests need is not to be counted.
@Suite(.enabled(if: host != nil, "no BLINDLIST_TEST_HOST"))
struct MemoryTests {
    /// 64 MB of prefilter make the process less than 2 MB larger than a small one does.
    @Test func largeFilter() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "URLFilterKitTests-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        var options = PrefilterSource.Options()
        options.allowsInsecureHTTP = true
        options.idleTimeout = .seconds(120)
        options.workFolder = folder
        let server = try #require(host)
        let small = PrefilterSource(url: server.appending(path: "little.memory/little.json"), options: options)
        _ = try await small.fetch(existingTag: nil)
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .ascii)  // VmHWM begins anew
        let baseline = try peakKilobytes()

        let large = PrefilterSource(url: server.appending(path: "big.memory/big.json"), options: options)
        let fetched = try #require(try await large.fetch(existingTag: nil))
        #expect(fetched.byteCount == 64 << 20)
        let growth = try peakKilobytes() - baseline
        print("# peak of memory: \(baseline) kB before, \(growth) kB more with a filter of 64 MB")
        #expect(growth < 2048)
    }

    private func peakKilobytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.filter(\.isNumber)))
    }
}
#endif
