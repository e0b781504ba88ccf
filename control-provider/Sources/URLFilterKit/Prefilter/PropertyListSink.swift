import Foundation

/// Reads a prefilter's property list as it arrives: the numbers into memory, the base64 of `data` decoded into a file. Knows
/// the XML that builders of prefilters write (one `<dict>` of `<key>` and `<integer>`, `<real>` or `<data>`), not all of XML.
///
/// Keys are those of either layout (docs/FILE-FORMATS.md); others are skipped.
struct PropertyListReader {
    /// The numbers that came, by their keys.
    private(set) var numbers: [String: Double] = [:]
    /// The document says that it is a property list.
    private(set) var isOne = false
    /// The document is over.
    private(set) var isComplete = false

    private enum Place {
        case outside
        case tag
        case text
    }

    private var place = Place.outside
    private var word = ""
    private var element = ""
    private var key = ""
    private var base64 = Base64Stream()
    private var sawData = false
    private static let longestWord = 512
    private static let elementsRead: Set = ["key", "integer", "real"]

    /// Reads a piece. `file` gets the bytes of the filter.
    mutating func take(_ piece: UnsafeRawBufferPointer, file: PartFile) throws(PrefilterError) {
        for byte in piece {
            switch byte {
            case UInt8(ascii: "<"):
                try endText(file)
                place = .tag
                word = ""
            case UInt8(ascii: ">") where place == .tag:
                try endTag()
            default:
                if place == .text && element == "data" && isBits {
                    try base64.take(byte, file: file)
                } else if place == .tag || place == .text && Self.elementsRead.contains(element) {
                    guard word.utf8.count < Self.longestWord else { throw .malformed("the property list has a long word") }
                    word.unicodeScalars.append(Unicode.Scalar(byte))
                }
            }
        }
        try base64.flush(file)
    }

    /// A number that must be there, under the name of either layout.
    func number(_ name: String, _ olderName: String) throws(PrefilterError) -> Double {
        guard let value = numbers[name] ?? numbers[olderName] else { throw .malformed("\(name) is missing") }
        return value
    }

    /// Whether the bits came.
    var hasBits: Bool { sawData }

    private var isBits: Bool { key == "data" || key == "bitVectorData" }

    private mutating func endTag() throws(PrefilterError) {
        if word.hasPrefix("?") || word.hasPrefix("!") {
            place = .outside
        } else if word.hasPrefix("/") {
            isComplete = isComplete || word == "/plist"
            place = .outside
        } else {
            element = String(word.prefix { !$0.isWhitespace && $0 != "/" })
            place = .text
            isOne = isOne || element == "plist"
            if element == "data" && isBits {
                guard !sawData else { throw .malformed("the property list has its bits twice") }
                sawData = true
            }
        }
        word = ""
    }

    private mutating func endText(_ file: PartFile) throws(PrefilterError) {
        guard place == .text else { return }
        switch element {
        case "key":
            key = word
        case "integer", "real":
            guard let value = Double(word.trimmingCharacters(in: .whitespacesAndNewlines)), numbers[key] == nil else {
                throw .malformed("\(key) is no number, or there twice")
            }
            numbers[key] = value
        case "data" where isBits:
            try base64.finish(file)
        default:
            break
        }
        element = ""
    }
}

/// Base64 with white space, decoded as it comes.
private struct Base64Stream {
    private var bits: UInt32 = 0
    private var count = 0
    private var isPadded = false
    private var decoded: [UInt8] = []
    private static let table: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, digit) in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8.enumerated() {
            table[Int(digit)] = UInt8(value)
        }
        return table
    }()

    mutating func take(_ byte: UInt8, file: PartFile) throws(PrefilterError) {
        if byte <= UInt8(ascii: " ") { return }
        if byte == UInt8(ascii: "=") {
            isPadded = true
            return
        }
        let value = Self.table[Int(byte)]
        guard value < 64, !isPadded else { throw .malformed("data is no base64") }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            decoded.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        if decoded.count >= 4096 { try flush(file) }
    }

    mutating func flush(_ file: PartFile) throws(PrefilterError) {
        if decoded.isEmpty { return }
        // `decoded` stays what it is: a closure of a mutating method must not change it.
        let ready = decoded
        decoded.removeAll(keepingCapacity: true)
        var fault: PrefilterError?
        ready.withUnsafeBytes { bytes in
            do throws(PrefilterError) { try file.append(bytes) } catch { fault = error }
        }
        if let fault { throw fault }
    }

    mutating func finish(_ file: PartFile) throws(PrefilterError) {
        guard bits & ((1 << UInt32(count)) - 1) == 0, count < 6 else { throw .malformed("data is cut short") }
        try flush(file)
    }
}
