import ExtensionFoundation
import NetworkExtension
import URLFilterKit

/// The whole extension: `BlindlistPrefilter` in its Info.plist says where the prefilter is.
@main
final class ControlProvider: BlindlistControlProvider {
    required init() {}
}
