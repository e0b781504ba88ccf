import Foundation
import Testing

@testable import URLFilterKit

/// Datasets that the compiler made, one folder for each parsing configuration: tests/control-provider/package.test.py.
private let datasets = ProcessInfo.processInfo.environment["BLINDLIST_TEST_PARSING"].map { URL(filePath: $0) }

struct ParsingTests {
    private func parsing(_ json: String) throws -> URLParsing { try URLParsing(json: Data(json.utf8)) }

    @Test func defaults() throws {
        for json in ["{}", #"{"domain": {"levels": 0}, "query": {}}"#, #"{"excludeScheme": true, "path": {"excluded": false}}"#] {
            let parsing = try parsing(json)
            #expect(parsing.isDefault && parsing.canonicalText == nil && parsing.sha256 == nil)
        }
    }

    /// What was given, what the compiler wrote of it, and its digest: all three are the same configuration here.
    @Test(.enabled(if: datasets != nil, "no BLINDLIST_TEST_PARSING")) func asCompiled() throws {
        struct Dataset: Decodable {
            struct Parsing: Decodable { let sha256: String }
            let parsing: Parsing?
        }
        let folders = try FileManager.default.contentsOfDirectory(at: #require(datasets), includingPropertiesForKeys: nil)
        #expect(folders.count > 10)
        for folder in folders {
            let given = try URLParsing(json: Data(contentsOf: folder.appending(path: "parsing.json")))
            let json = try Data(contentsOf: folder.appending(path: "dataset.json"))
            let digest = try JSONDecoder().decode(Dataset.self, from: json).parsing?.sha256
            #expect(given.sha256 == digest, "\(folder.lastPathComponent)")
            let whole = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
            guard let parsing = whole["parsing"] as? [String: Any], let written = parsing["configuration"] else { continue }
            #expect(try URLParsing(json: JSONSerialization.data(withJSONObject: written)) == given)
        }
    }

    @Test(arguments: [
        ("", "[]"), ("", "{"), ("excludeSchema", #"{"excludeSchema": true}"#), ("domain.level", #"{"domain": {"level": 1}}"#),
        ("domain", #"{"domain": 1}"#), ("domain.levels", #"{"domain": {"levels": 128}}"#),
        ("domain.levels", #"{"domain": {"levels": -1}}"#), ("domain.levels", #"{"domain": {"levels": "1"}}"#),
        ("domain.levels", #"{"domain": {"levels": null}}"#), ("domain.stripWWW", #"{"domain": {"excluded": true, "stripWWW": true}}"#),
        ("path.segments", #"{"path": {"segments": 4097}}"#), ("query.parameters", #"{"query": {"parameters": ["a", "a"]}}"#),
        ("query.parameters", #"{"query": {"parameters": ["a b"]}}"#), ("query.parameters", #"{"query": {"parameters": [1]}}"#),
        ("caseSensitive", #"{"caseSensitive": 1}"#), ("regularExpression", #"{"regularExpression": ""}"#),
        ("regularExpression", #"{"regularExpression": "(?<a>.)", "path": {}}"#),
    ]) func refused(_ path: String, _ json: String) throws {
        let fault = #expect(throws: URLParsing.Fault.self) { try parsing(json) }
        #expect(fault?.path == path)
        #expect(fault?.description.hasPrefix(path.isEmpty ? "parsing.json: " : "parsing.json, \(path): ") == true)
    }
}
