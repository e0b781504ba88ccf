import Foundation

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What a server said of the thing at a URL, and the tag of the filter that it belongs to.
struct Validator: Codable {
    let url: URL
    let etag: String
    let tag: String
    /// What was asked of it when it was taken; nil: nothing but its digest.
    var terms: String?
}

/// Where a source keeps parts, whole files and validators. All of it may be lost at any time: then more is fetched.
///
/// Locked while it is open: no two fetches, of this process or another, work in the same folder. The system
/// unlocks it when a process ends.
final class WorkFolder {
    private let folder: URL
    private var lock: Int32
    private static let mostValidators = 8
    private static let closed: Int32 = -1

    init(_ folder: URL) throws(PrefilterError) {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw .storage(error.localizedDescription)
        }
        lock = open(folder.appending(path: "lock").path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw .storage(String(cString: strerror(errno))) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw .busy }
    }

    deinit {
        unlock()
    }

    /// Leaves the folder to others. Who still holds this does nothing more with it.
    func unlock() {
        if lock != Self.closed { close(lock) }
        lock = Self.closed
    }

    func file(_ tag: String) -> URL { folder.appending(path: Self.name(tag) + ".bloom") }
    func part(_ tag: String) -> URL { folder.appending(path: Self.name(tag) + ".part") }
    var propertyListPart: URL { folder.appending(path: "property-list.part") }
    private var validators: URL { folder.appending(path: "validators.json") }

    /// Tags are any text; file names are not.
    private static func name(_ tag: String) -> String {
        "prefilter-" + sha256(of: Data(tag.utf8)).prefix(16)
    }

    /// Removes files and parts of filters that are not wanted any more.
    func removeOthers(than tag: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names where name.hasPrefix("prefilter-") && !name.hasPrefix(Self.name(tag)) {
            try? FileManager.default.removeItem(at: folder.appending(path: name))
        }
    }

    func validator(of url: URL) -> Validator? {
        readValidators().last { $0.url == url }
    }

    /// Replaces what was known of this URL.
    func keep(_ validator: Validator) {
        let all = readValidators().filter { $0.url != validator.url } + [validator]
        try? JSONEncoder().encode(all.suffix(Self.mostValidators)).write(to: validators, options: .atomic)
    }

    private func readValidators() -> [Validator] {
        guard let json = try? Data(contentsOf: validators) else { return [] }
        return (try? JSONDecoder().decode([Validator].self, from: json)) ?? []
    }
}
