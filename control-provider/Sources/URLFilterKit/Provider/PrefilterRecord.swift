import Foundation

/// What a control provider did last, for its app to show.
public struct PrefilterRecord: Codable, Equatable, Sendable {
    /// When the system asked last.
    public var checkedAt: Date?
    /// When a new prefilter came last.
    public var fetchedAt: Date?
    /// Tag of that prefilter.
    public var tag: String?
    /// Bytes of that prefilter.
    public var byteCount: Int?
    /// Why the last attempt failed; nil: it did not.
    public var problem: String?

    public init() {}

    private static func file(in folder: URL) -> URL { folder.appending(path: "prefilter-record.json") }

    /// What was left in the folder; nil: nothing yet.
    public init?(in folder: URL) {
        guard let json = try? Data(contentsOf: Self.file(in: folder)),
            let record = try? JSONDecoder().decode(PrefilterRecord.self, from: json)
        else { return nil }
        self = record
    }

    /// Leaves it in the folder. That it cannot be written is no reason to withhold a prefilter: it is logged.
    func write(to folder: URL) {
        do {
            try JSONEncoder().encode(self).write(to: Self.file(in: folder), options: .atomic)
        } catch {
            Log.provider.error("the record cannot be written: \(error)")
        }
    }
}
