import Foundation
import Testing

@testable import URLFilterKit

/// Property lists as they arrive, in pieces of any size.
struct PropertyListTests {
    private let bits = Data((0..<100).map { UInt8($0) })
    private let folder = FileManager.default.temporaryDirectory.appending(path: "URLFilterKitTests-\(UUID())")

    private var whole: String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
        <plist version="1.0"><dict>
        <key>bitCount</key><integer>800</integer>
        <key>data</key>
        <data>
        \(bits.base64EncodedString(options: .lineLength64Characters))
        </data>
        <key>falsePositiveTolerance</key><real>0.001</real>
        <key>note</key><string>\(String(repeating: "long ", count: 200))</string>
        <key>isNew</key><true/>
        <key>picture</key><data>\(String(repeating: "AAAA", count: 200))</data>
        </dict></plist>
        """
    }

    /// What was read of the text, given in pieces, and the bytes that came of it.
    private func read(_ text: String, pieceBytes: Int) throws -> (PropertyListReader, Data) {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "bits")
        let file = try PartFile(path, limit: 0)
        var reader = PropertyListReader()
        var rest = Data(text.utf8)
        while !rest.isEmpty {
            let piece = Data(rest.prefix(pieceBytes))
            try piece.withUnsafeBytes { try reader.take($0, file: file) }
            rest = Data(rest.dropFirst(pieceBytes))
        }
        return (reader, try Data(contentsOf: path))
    }

    @Test(arguments: [1, 7, 64, 100_000]) func inPieces(_ pieceBytes: Int) throws {
        let (reader, came) = try read(whole, pieceBytes: pieceBytes)
        #expect(reader.isComplete && reader.hasBits)
        #expect(came == bits)
        #expect(try reader.number("bitCount", "numberOfBits") == 800)
        #expect(try reader.number("rate", "falsePositiveTolerance") == 0.001)
    }

    @Test func cutShort() throws {
        #expect(try !read(String(whole.dropLast(9)), pieceBytes: 64).0.isComplete)
        #expect(try !read("<plist><dict></dict></plist>", pieceBytes: 64).0.hasBits)
    }

    @Test func lists() {
        for (text, fault) in [
            ("<key>bitCount</key><integer>many</integer>", "bitCount is no number, or there twice"),
            ("<key>a</key><real>1</real><key>a</key><real>2</real>", "a is no number, or there twice"),
            ("<key>data</key><data>QUJD</data><key>data</key><data>QUJD</data>", "the property list has its bits twice"),
            ("<key>data</key><data>QU*D</data>", "data is no base64"), ("<key>data</key><data>QUJDR</data>", "data is cut short"),
            ("<key>data</key><data>QQ==QQ==</data>", "data is no base64"),
            ("<key>\(String(repeating: "k", count: 600))</key>", "the property list has a long word"),
        ] {
            #expect(throws: PrefilterError.malformed(fault)) { try read("<plist><dict>\(text)", pieceBytes: 16) }
        }
    }
}
