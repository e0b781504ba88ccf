import Foundation

/// The spellings of a URL that a device looks up in the prefilter, with the system's own settings.
///
/// `https://www.example.com/a?q` gives, for each of `example.com` and `example.com:443`: nothing more, `/`,
/// `/a`, `/a/`, `/a?q` and `/a/?q`. An app that sets a parsing configuration of its own
/// changes what its devices look up; this does not follow it.
///
/// Source: PROTOCOL.md section 3; `testvectors/suburls.json`. What a list entry must be written like to be
/// found is the compiler's concern: it brings entries into one of these forms.
public struct SubURLs: Sendable {
    /// All spellings, each once: the shortest host first, then by their paths.
    public let all: [String]

    /// Nil when `url` has another scheme than http or https, no host, or is longer than
    /// ``maximumBytes``.
    public init?(of url: String) {
        guard url.utf8.count <= Self.maximumBytes, let parts = Parts(url) else { return nil }
        var seen = Set<String>()
        var all: [String] = []
        for host in parts.hosts {
            for place in [host, "\(host):\(parts.port)"] {
                for form in parts.forms where seen.insert(place + form).inserted {
                    all.append(place + form)
                }
            }
        }
        self.all = all
    }

    /// The longest URL that is looked at.
    public static let maximumBytes = 8192
}

/// A URL in canonical form, taken apart.
private struct Parts {
    /// Every suffix of the host of two labels or more; an address, or a single label, as a whole.
    let hosts: [String]
    let port: Int
    /// What may follow the host: paths, then those with query and fragment.
    let forms: [String]

    init?(_ url: String) {
        guard let colon = url.range(of: "://") else { return nil }
        let scheme = url[..<colon.lowerBound].lowercased()
        guard let defaultPort = ["http": 80, "https": 443][scheme] else { return nil }

        let rest = url[colon.upperBound...]
        let authorityEnd = rest.firstIndex { "/\\?#".contains($0) } ?? rest.endIndex
        guard let place = Self.place(rest[..<authorityEnd]) else { return nil }
        hosts = Self.suffixes(place.host)
        port = place.port ?? defaultPort

        let (beforeFragment, fragment) = Self.cut(rest[authorityEnd...], at: "#")
        let (path, query) = Self.cut(beforeFragment, at: "?")
        forms = Self.forms(
            segments: Self.segments(path.replacingOccurrences(of: "\\", with: "/").asciiLowercased()),
            query: Self.escaped(query, "\"<>'").asciiLowercased(),
            fragment: Self.escaped(fragment, "\"<>`").asciiLowercased())
    }

    // MARK: host

    /// Host and port of what stands between "://" and the path; a user name is left out.
    private static func place(_ authority: Substring) -> (host: String, port: Int?)? {
        let place = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        // An IPv6 address has colons of its own.
        let hostEnd = place.first == "[" ? place.firstIndex(of: "]").map { place.index(after: $0) } : place.firstIndex(of: ":")
        let host = place[..<(hostEnd ?? place.endIndex)]
        let after = place[(hostEnd ?? place.endIndex)...]
        guard let ascii = canonicalHost(host) else { return nil }
        if after.isEmpty || after == ":" { return (ascii, nil) }
        guard after.first == ":", let port = Int(after.dropFirst()), (1...65535).contains(port) else { return nil }
        return (ascii, port)
    }

    private static func canonicalHost(_ host: Substring) -> String? {
        if host.first == "[" { return host.last == "]" ? host.lowercased() : nil }
        let text = host.lowercased().precomposedStringWithCanonicalMapping
        var labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.last == "" { labels.removeLast() }
        guard !labels.isEmpty, !labels.contains("") else { return nil }
        if labels[0] == "www" && labels.count > 2 { labels.removeFirst() }
        var ascii: [String] = []
        for label in labels {
            guard let encoded = Punycode.label(label) else { return nil }
            ascii.append(encoded)
        }
        return ascii.joined(separator: ".")
    }

    private static func suffixes(_ host: String) -> [String] {
        let labels = host.split(separator: ".")
        let isAddress = host.hasPrefix("[") || labels.count == 4 && labels.allSatisfy { UInt8($0) != nil }
        if isAddress || labels.count < 2 { return [host] }
        return (2...labels.count).map { labels.suffix($0).joined(separator: ".") }
    }

    // MARK: path

    /// The text up to a mark, and from it on; the second is empty when nothing follows the mark.
    private static func cut(_ text: Substring, at mark: Character) -> (Substring, Substring) {
        guard let place = text.firstIndex(of: mark) else { return (text, "") }
        let tail = text[place...]
        return (text[..<place], tail.dropFirst().isEmpty ? "" : tail)
    }

    /// The path's segments with "." and ".." resolved, and whether a slash ends it.
    private static func segments(_ path: String) -> [String] {
        var segments: [String] = []
        let spelled = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for (index, segment) in spelled.enumerated() {
            let isLast = index == spelled.count - 1
            switch segment.replacingOccurrences(of: "%2e", with: ".") {
            case ".": break
            case "..": _ = segments.popLast()
            case "" where isLast: break  // the slash at the end: both spellings are asked for anyway
            default: segments.append(escaped(segment, "\"<>`{}"))
            }
        }
        return segments
    }

    private static func forms(segments: [String], query: String, fragment: String) -> [String] {
        var forms: [String] = []
        var path = ""
        forms += [path, path + "/"]
        for segment in segments {
            path += "/" + segment
            forms += [path, path + "/"]
        }
        for end in query.isEmpty ? [fragment] : [query, query + fragment] where !end.isEmpty {
            forms += [path + end, path + "/" + end]
        }
        return forms
    }

    /// As browsers write it: bytes above 127, blanks and some characters as %xx; escapes stay.
    private static func escaped(_ text: some StringProtocol, _ marks: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            if scalar.isASCII, scalar.value > 32, scalar.value != 127, !marks.unicodeScalars.contains(scalar) {
                out.unicodeScalars.append(scalar)
            } else {
                for byte in String(scalar).utf8 { out += (byte < 16 ? "%0" : "%") + String(byte, radix: 16) }
            }
        }
        return out
    }
}

extension String {
    /// Only A to Z: what is not ASCII was escaped, and keeps its case there.
    fileprivate func asciiLowercased() -> String {
        String(String.UnicodeScalarView(unicodeScalars.map { scalar in
            ("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar
        }))
    }
}
