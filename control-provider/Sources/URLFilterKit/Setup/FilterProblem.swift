import Foundation
import NetworkExtension

/// An error of the URL filter in words: what it is, its likely cause, and the next step.
///
/// The numbers that people see in logs are not the same in all releases; this goes by names.
public struct FilterProblem: Error, Equatable, Sendable, CustomStringConvertible, LocalizedError {
    /// What happened.
    public let what: String
    /// What most often is behind it.
    public let likelyCause: String
    /// What to do about it.
    public let nextStep: String

    public var description: String { "\(what) \(likelyCause) \(nextStep)" }
    public var errorDescription: String? { what }
    public var failureReason: String? { likelyCause }
    public var recoverySuggestion: String? { nextStep }

    init(_ what: String, _ likelyCause: String, _ nextStep: String) {
        self.what = what
        self.likelyCause = likelyCause
        self.nextStep = nextStep
    }

    /// Of any error that ``NEURLFilterManager`` throws or tells.
    public init(_ error: any Error) {
        self = (error as? NEURLFilterManager.Error).map(Self.of) ?? error as? FilterProblem
            ?? Self("The URL filter reports: \(error.localizedDescription)", "Not known.", "Look into the system's log for it.")
    }

    private static func of(_ error: NEURLFilterManager.Error) -> FilterProblem {
        switch error {
        case .configurationInvalid:
            FilterProblem(
                "The configuration is not accepted.",
                "An address with a path, a slash at its end or without https; another extension's bundle id; or, from 27.3 on, addresses "
                    + "that differ from NSPIRConfiguration in the app's Info.plist.",
                "Compare addresses and bundle id with Info.plist and the extension, letter by letter.")
        case .configurationDisabled:
            FilterProblem(
                "The filter is switched off.", "Somebody switched it off in Settings, or another filter took its place.",
                "Switch it on in the app, or in Settings.")
        case .configurationStale:
            FilterProblem(
                "The configuration was changed by somebody else.", "Settings or another part of the app changed it meanwhile.",
                "Load it again and try once more.")
        case .configurationCannotBeRemoved:
            FilterProblem(
                "The configuration cannot be removed.", "A profile of the device's management installed it.",
                "Remove the profile, or ask who manages the device.")
        case .configurationPermissionDenied:
            FilterProblem(
                "The filter is not permitted.", "Somebody declined when the system asked, or the app lacks its entitlement.",
                "Try again and allow it; check that app and extension have the entitlement url-filter-provider.")
        case .configurationInternalError, .internalError:
            FilterProblem(
                "The system failed.", "Often left over from an app that was replaced while its filter ran.",
                "Switch the filter off and on; then remove the configuration; then restart the device.")
        case .configurationNotLoaded:
            FilterProblem(
                "The configuration was not loaded before it was changed.", "loadFromPreferences() did not run, or failed.",
                "Load it first: URLFilterSetup does.")
        case .configurationUnchanged:
            FilterProblem("Nothing was changed.", "The configuration is the one in force.", "There is nothing to do.")
        case .extensionNotFound:
            FilterProblem(
                "The control provider is not found.", "The bundle id does not name an extension in the app's folder Extensions, or its "
                    + "extension point is another one.",
                "Check the id, and com.apple.networkextension.url-filter-control in the extension's Info.plist.")
        case .extensionCancelled, .extensionFailedToLoad:
            FilterProblem(
                "The control provider does not run.", "It crashed, used more than about 6 MB of memory, or has no @main type.",
                "Look for its crash in the device's analytics data; stream large prefilters to a file.")
        case .serverSetupIncomplete:
            FilterProblem(
                "The server does not answer as it has to.",
                "Server or issuer cannot be reached, the use case is not <app bundle id>.url.filtering, the user token is wrong, or a build "
                    + "for distribution is used before Apple's relay knows the server.",
                "Ask the server with blindlist check; then compare use case and token; then the relay onboarding.")
        case .unknown:
            FilterProblem("The URL filter failed.", "The system does not say why.", "Look into its log for more.")
        @unknown default:
            FilterProblem("The URL filter failed.", "This release of the package does not know the error.", "Look into the system's log.")
        }
    }
}
