/// Host labels in ASCII (RFC 3492), as URLs carry them.
enum Punycode {
    /// The label as it is when it is ASCII, else `xn--` and its Punycode. Nil when it has more than 63
    /// bytes that way, or characters that no host has.
    ///
    /// - Parameter label: in lower case and composed (NFC).
    static func label(_ label: Substring) -> String? {
        let isPlain = label.unicodeScalars.allSatisfy(\.isASCII)
        guard let text = isPlain ? String(label) : encoded(label).map({ "xn--" + $0 }) else { return nil }
        let isHost = text.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        return isHost && (1...63).contains(text.utf8.count) ? text : nil
    }

    // RFC 3492 section 5.
    private static let base = 36
    private static let leastThreshold = 1
    private static let mostThreshold = 26
    private static let skew = 38
    private static let damp = 700
    private static let firstBias = 72
    private static let firstCodePoint = 128

    /// RFC 3492 section 6.3. Nil when the numbers would overflow.
    private static func encoded(_ label: Substring) -> String? {
        let points = label.unicodeScalars.map { Int($0.value) }
        var out = points.filter { $0 < firstCodePoint }.map { Character(Unicode.Scalar(UInt8($0))) }
        let plainCount = out.count
        if plainCount > 0 { out.append("-") }
        var next = firstCodePoint, delta = 0, bias = firstBias, handled = plainCount
        while handled < points.count {
            guard let least = points.filter({ $0 >= next }).min() else { return nil }
            let (jump, overflowed) = (least - next).multipliedReportingOverflow(by: handled + 1)
            if overflowed { return nil }
            delta += jump
            next = least
            for point in points {
                if point < next { delta += 1 }
                if point == next {
                    out += digits(of: delta, bias: bias)
                    bias = adapted(delta, count: handled + 1, isFirst: handled == plainCount)
                    delta = 0
                    handled += 1
                }
            }
            delta += 1
            next += 1
        }
        return String(out)
    }

    /// One number as digits of growing value.
    private static func digits(of number: Int, bias: Int) -> [Character] {
        var out: [Character] = []
        var rest = number
        for place in stride(from: base, through: .max, by: base) {
            let threshold = min(max(place - bias, leastThreshold), mostThreshold)
            if rest < threshold { break }
            out.append(digit(threshold + (rest - threshold) % (base - threshold)))
            rest = (rest - threshold) / (base - threshold)
        }
        return out + [digit(rest)]
    }

    /// RFC 3492 section 6.1.
    private static func adapted(_ number: Int, count: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? number / damp : number / 2
        delta += delta / count
        var steps = 0
        while delta > (base - leastThreshold) * mostThreshold / 2 {
            delta /= base - leastThreshold
            steps += base
        }
        return steps + (base - leastThreshold + 1) * delta / (delta + skew)
    }

    private static func digit(_ value: Int) -> Character {
        let letters = 26
        return Character(Unicode.Scalar(UInt8(value < letters ? 97 + value : 48 + value - letters)))
    }
}
