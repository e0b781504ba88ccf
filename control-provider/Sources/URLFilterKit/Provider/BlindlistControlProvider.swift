import Foundation
import NetworkExtension

/// A control provider that fetches the prefilter of a blindlist server. The whole extension is
///
/// ```swift
/// import ExtensionFoundation
/// import NetworkExtension
/// import URLFilterKit
///
/// @main
/// final class ControlProvider: BlindlistControlProvider {
///     required init() {}
/// }
/// ```
///
/// and ``ProviderConfiguration`` says which keys of its Info.plist tell where the prefilter is.
///
/// - An unchanged prefilter is answered with nil, after a request of some hundred bytes.
/// - Small filters are handed over in memory, larger ones as a file, which the system takes over.
/// - An error is thrown with a text that says what to check; the prefilter before stays in force.
/// - What happened last is left for the app in a ``PrefilterRecord``, when both share an app group.
/// - Nothing ends the process: from 27.0 on the system takes an early exit for a crash.
public protocol BlindlistControlProvider: NEURLFilterControlProvider {
    /// Where the prefilter is. By default what the extension's Info.plist says.
    var prefilter: ProviderConfiguration { get throws }
}

extension BlindlistControlProvider {
    public var prefilter: ProviderConfiguration {
        get throws { try ProviderConfiguration(bundle: .main) }
    }

    public func start() async throws {
        Log.provider.notice("started")
    }

    public func stop(reason: NEProviderStopReason) async throws {
        Log.provider.notice("stopped, reason \(reason.rawValue)")
    }

    public func fetchPrefilter(existingPrefilterTag: String?) async throws -> NEURLFilterPrefilter? {
        do {
            return try await prefilter.fetch(existingTag: existingPrefilterTag)
        } catch {
            Log.provider.error("no new prefilter: \(error)")
            throw error
        }
    }
}

extension ProviderConfiguration {
    /// What a provider answers the system, and a record of it.
    ///
    /// - Returns: nil when the filter is still the one with `existingTag`.
    public func fetch(existingTag: String?) async throws -> NEURLFilterPrefilter? {
        var record = recordFolder.flatMap(PrefilterRecord.init(in:)) ?? PrefilterRecord()
        record.checkedAt = Date()
        defer { recordFolder.map { record.write(to: $0) } }
        do {
            let fetched = try await source.fetch(existingTag: existingTag)
            record.problem = nil
            guard let fetched else {
                Log.provider.info("the prefilter is unchanged")
                return nil
            }
            let data = try handOver(fetched)
            record.fetchedAt = record.checkedAt
            record.tag = fetched.tag
            record.byteCount = fetched.byteCount
            Log.provider.notice("a new prefilter of \(fetched.byteCount) bytes")
            return NEURLFilterPrefilter(
                data: data, tag: fetched.tag, bitCount: fetched.bitCount, hashCount: fetched.hashCount,
                murmurSeed: fetched.murmurSeed)
        } catch {
            record.problem = error is CancellationError ? Self.cancelled : String(describing: error)
            throw error
        }
    }

    private static let cancelled = "The system ended the fetch before it was done. What came is kept for the next time."

    private func handOver(_ fetched: FetchedPrefilter) throws -> NEURLFilterPrefilter.PrefilterData {
        guard fetched.byteCount <= smallFilterBytes else { return .temporaryFilepath(fetched.file) }
        let bits = try Data(contentsOf: fetched.file)
        try? FileManager.default.removeItem(at: fetched.file)  // else the next fetch does
        return .smallFilter(bits)
    }
}
