import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Takes the first answer: JSON is kept, a property list's bits go to a file.
final class DescriptionSink: BodySink {
    private(set) var retryAfter: Duration?
    private(set) var head: HTTPURLResponse?
    private(set) var json = Data()
    private(set) var propertyList = PropertyListReader()
    /// The bits of a property list; nil: the answer is none.
    private(set) var part: PartFile?
    private let path: URL
    private let maximumBytes: Int
    /// In which a property list says what it is.
    private static let headBytes = 1024
    private let mustBeSigned: Bool
    private let wanted: Set<Int>

    /// - Parameters:
    ///   - mustBeSigned: property lists are refused before anything of them is written.
    ///   - isConditional: "not changed" is an answer, since that was asked.
    init(propertyListPart path: URL, maximumBytes: Int, mustBeSigned: Bool, isConditional: Bool) {
        self.mustBeSigned = mustBeSigned
        self.path = path
        self.maximumBytes = maximumBytes
        wanted = isConditional ? [200, 304] : [200]
    }

    func begin(_ head: HTTPURLResponse) throws(PrefilterError) {
        retryAfter = head.retryAfter
        if let fault = head.fault(wanted: wanted) { throw fault }
        self.head = head
        json = Data()
        propertyList = PropertyListReader()
        part = nil
    }

    func take(_ piece: UnsafeRawBufferPointer) throws(PrefilterError) {
        if json.isEmpty && part == nil && piece.first == UInt8(ascii: "<") {
            if !mustBeSigned {
                part = try PartFile(path, limit: 0)
            } else if String(decoding: piece.prefix(Self.headBytes), as: UTF8.self).contains("<plist") {
                throw .signatureMissing
            }
        }
        if let part {
            try propertyList.take(piece, file: part)
            if part.size > maximumBytes { throw .tooLarge(bytes: part.size, limit: maximumBytes) }
            return
        }
        guard json.count + piece.count <= PrefilterManifest.maximumBytes else { throw .malformed("it is no manifest") }
        json.append(contentsOf: piece)
    }
}

/// Takes the bits, from their beginning or from where the file ends.
final class BitsSink: BodySink {
    private(set) var retryAfter: Duration?
    /// Which bits the file has the beginning of.
    var etag: String?
    /// Told when they are known.
    var onEtag: (String) -> Void = { _ in }
    /// Whether parts can be put together: the server says with each of which bits it is, and says the same each time.
    private(set) var hasParts = true
    private let file: PartFile
    private let expected: Int

    init(_ file: PartFile, expected: Int) {
        self.file = file
        self.expected = expected
    }

    func begin(_ head: HTTPURLResponse) throws(PrefilterError) {
        retryAfter = head.retryAfter
        if head.statusCode == 416 {  // another length than ours: from the beginning
            try file.startOver()
            throw .brokenOff(received: 0, expected: expected)
        }
        if let fault = head.fault(wanted: [200, 206]) { throw fault }
        let told = head.etag.flatMap { $0.hasPrefix("W/") ? nil : $0 }  // a weak one does not tell bytes
        if head.statusCode == 200 {
            let length = Int(clamping: head.expectedContentLength)
            guard length < 0 || length == expected else { throw .wrongSize(received: length, expected: expected) }
            try file.startOver()
        } else {
            try checkRange(head.value(forHTTPHeaderField: "Content-Range") ?? "")
            hasParts = told != nil && (file.size == 0 || told == etag)
            if !hasParts && file.size > 0 {  // replaced, and If-Range was not looked at
                etag = nil
                try file.startOver()
                throw .brokenOff(received: 0, expected: expected)
            }
        }
        etag = told
        if let told { onEtag(told) }
    }

    func take(_ piece: UnsafeRawBufferPointer) throws(PrefilterError) {
        let size = file.size + piece.count
        guard size <= expected else { throw .wrongSize(received: size, expected: expected) }
        try file.append(piece)
    }

    /// `bytes <first>-<last>/<all>`, or `*` for all.
    private func checkRange(_ range: String) throws(PrefilterError) {
        let parts = range.split(separator: "/")
        guard range.hasPrefix("bytes \(file.size)-"), parts.count == 2 else {
            throw .malformed("the answer is another part of the bits than was asked for")
        }
        guard let all = Int(parts[1]), all != expected else { return }
        throw .wrongSize(received: all, expected: expected)
    }
}
