import Foundation

/// The folder of published vectors. BLINDLIST_TREE names the top of the tree where the package was copied away from it.
let testvectors: URL = {
    if let tree = ProcessInfo.processInfo.environment["BLINDLIST_TREE"] {
        return URL(filePath: tree).appending(path: "testvectors")
    }
    let here = URL(filePath: #filePath)
    return (0..<4).reduce(here) { url, _ in url.deletingLastPathComponent() }.appending(path: "testvectors")
}()

/// Bytes of their hex digits; nil when they are not.
func bytes(hex: String) -> [UInt8]? {
    let digits = hex.compactMap(\.hexDigitValue)
    guard digits.count == hex.count, digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
