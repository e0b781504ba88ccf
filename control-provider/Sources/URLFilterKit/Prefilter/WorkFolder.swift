import Foundation

/// What a server said of the thing at a URL, and the tag of the filter that it belongs to.
struct Validator: Codable {
    let url: URL
    let etag: String
    let tag: String
}

/// Where a source keeps parts, whole files and validators. All of it may be lost at any time: then more is fetched.
struct WorkFolder {
    private let folder: URL
    private static let mostValidators = 8

    init(_ folder: URL) throws(PrefilterError) {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw .storage(error.localizedDescription)
        }
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
