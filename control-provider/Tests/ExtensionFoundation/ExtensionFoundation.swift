/// What of Apple's ExtensionFoundation an extension's main type needs. Test support, never shipped.
public protocol AppExtension {
    @MainActor init()
}

extension AppExtension {
    @MainActor public static func main() throws {}
}
