#include "tools/doctor/doctor_table.h"

#include "base/compiler.h"

#include <string.h>
#include <strings.h>

static const struct doctor_row rows[DOCTOR_CHECK_COUNT] = {
    [DOCTOR_SERVER_URL] =
        {"server-url", "the server's URL is https:// and a host name, nothing else", 0,
         "The URL has a path, a port, a slash at its end, an IP address, or is http://.",
         "Give setConfiguration, Info.plist and the profile https://HOST, character by character "
         "the same. Only apps signed for development may use http, ports and addresses: try "
         "those with --development."},
    [DOCTOR_ISSUER_URL] =
        {"issuer-url", "the issuer's URL is https:// and a host name, nothing else", 0,
         "The URL has a path, a port, a slash at its end, an IP address, or is http://.",
         "Give https://HOST; the path of the directory is not part of it."},
    [DOCTOR_BUNDLE_ID] =
        {"bundle-id", "the bundle identifier is one of the app, not of its extension", 0,
         "It has characters that no bundle identifier has, or the name of a use case was given.",
         "Give the identifier of the app, such as com.example.app: devices put .url.filtering "
         "behind it."},
    [DOCTOR_REACH] =
        {"reach", "the server's name leads to it, and it answers", DOCTOR_SET(DOCTOR_SERVER_URL),
         "The name is not in the DNS, the server is not running, or a firewall is in between.",
         "Look whether blindlist-server and the proxy before it run and listen on all addresses, "
         "and whether the name resolves outside your network."},
    [DOCTOR_CERTIFICATE] =
        {"certificate", "the TLS handshake succeeds, with a certificate for this name",
         DOCTOR_SET(DOCTOR_REACH),
         "The certificate has expired, is for another name, signed by itself, or comes without "
         "the intermediate certificates.",
         "Give the proxy the whole chain (fullchain.pem) for this very name. A certificate of "
         "your own is tested with --cacert, and is refused by devices that were not told to "
         "trust it."},
    [DOCTOR_HTTP2] =
        {"http2", "the server speaks HTTP/2, chosen in the handshake (ALPN h2)",
         DOCTOR_SET(DOCTOR_CERTIFICATE),
         "The proxy before the server has HTTP/2 switched off; Apple's relay speaks nothing else.",
         "nginx 1.22: `listen 443 ssl http2`; since 1.25: `http2 on`. Caddy does it unasked."},
    [DOCTOR_CLOCK] = {"clock", "the server's clock is right", DOCTOR_SET(DOCTOR_CERTIFICATE),
                      "The Date of its answers is more than two minutes from this machine's time.",
                      "Run a time service (systemd-timesyncd, chrony) on the server, or here."},
    [DOCTOR_DIRECTORY] =
        {"directory", "the issuer has its directory of keys where devices look",
         DOCTOR_SET(DOCTOR_CERTIFICATE) | DOCTOR_SET(DOCTOR_ISSUER_URL),
         "/.well-known/private-token-issuer-directory is not passed on by the proxy, or the "
         "issuer's URL is not the issuer's.",
         "Pass the path on to blindlist-server, unchanged and without asking for anything."},
    [DOCTOR_DIRECTORY_SAME] =
        {"directory-same", "the directory is the same for everybody", DOCTOR_SET(DOCTOR_DIRECTORY),
         "Two servers behind one name have keys of their own, or the keys are sorted anew each "
         "time.",
         "Let all servers share one state (PostgreSQL). Devices fetch the directory through a "
         "proxy of Apple's; with keys that differ, tokens of one are refused by the other."},
    [DOCTOR_TOKEN_KEY] =
        {"token-key", "the keys in the directory have the form that devices take",
         DOCTOR_SET(DOCTOR_DIRECTORY),
         "A key is no RSASSA-PSS key of 2048 bits with SHA-384, MGF1 and a salt of 48 bytes, "
         "written without NULL parameters (342 bytes).",
         "Let blindlist-server make the key, or write it as RFC 9578 section 6.5 says: what "
         "OpenSSL writes has four bytes more."},
    [DOCTOR_TOKEN_KEY_BEGUN] =
        {"token-key-begun", "one of the keys may be used already", DOCTOR_SET(DOCTOR_TOKEN_KEY),
         "Every key has a not-before that lies in the future.",
         "Compare clocks; list the key that is in force, and the next one beside it."},
    [DOCTOR_USER_TOKEN] =
        {"user-token", "the issuer knows the user token", DOCTOR_SET(DOCTOR_TOKEN_KEY_BEGUN),
         "The token in the app is not one of the server's, was revoked, or was given to another "
         "app of the same server.",
         "`blindlist token list` shows those that there are, `blindlist token create` makes one; "
         "in the app it stands as it was printed, without \"Bearer\" and line end."},
    [DOCTOR_TOKEN_ISSUE] =
        {"token-issue", "the issuer issues tokens that fit its key", DOCTOR_SET(DOCTOR_USER_TOKEN),
         "It signs with another key than it names, or a proxy changes the bodies (of 259 and 256 "
         "bytes), or a limit is reached.",
         "Pass /issue on as it is. If the key was replaced by hand, restore the state file: "
         "tokens and keys belong together."},
    [DOCTOR_TOKEN_REQUIRED] =
        {"token-required", "a question without a token is refused", DOCTOR_SET(DOCTOR_CERTIFICATE),
         "The server runs with --auth none: anybody may ask, and pays nothing.",
         "Leave --auth none away."},
    [DOCTOR_TOKEN_REDEEM] =
        {"token-redeem", "the server takes the tokens that its issuer makes",
         DOCTOR_SET(DOCTOR_TOKEN_ISSUE),
         "Issuer and server do not share their state, the state was lost in a restart, or the "
         "proxy drops the Authorization header.",
         "Let both use one --state, on a volume that outlives the program, and pass Authorization "
         "on."},
    [DOCTOR_TOKEN_ONCE] =
        {"token-once", "a token is taken once", DOCTOR_SET(DOCTOR_TOKEN_REDEEM),
         "Spent tokens are not written down, or several servers do not share what they know.",
         "Let all servers share one state (PostgreSQL)."},
    [DOCTOR_CONFIG] =
        {"config", "the server tells its configuration", DOCTOR_SET(DOCTOR_CERTIFICATE),
         "POST /config is not passed on, answered by something else, or no dataset is loaded.",
         "Look into the server's log for \"loaded\"; compile a dataset into its --data; pass "
         "/config, /key and /queries on with their bodies."},
    [DOCTOR_USE_CASE] =
        {"use-case", "the use case is called as devices ask for it",
         DOCTOR_SET(DOCTOR_CONFIG) | DOCTOR_SET(DOCTOR_BUNDLE_ID),
         "The dataset's use case is not the app's bundle identifier and .url.filtering.",
         "Compile with --use-case BUNDLE-ID.url.filtering: the bundle identifier of the app, not "
         "of the extension. With several apps, look at the hosts of each."},
    [DOCTOR_SHARD_COUNT] =
        {"shard-count", "the number of shards is a power of two of at most 65,536",
         DOCTOR_SET(DOCTOR_USE_CASE),
         "The dataset was processed with another number; devices refuse it from 27.3 on.",
         "Process it again with such a number: `blindlist compile` takes no other."},
    [DOCTOR_PARAMETERS] =
        {"parameters", "devices can compute with the dataset's parameters",
         DOCTOR_SET(DOCTOR_USE_CASE),
         "The lattice parameters are not secure or not known, or the shards are larger than their "
         "dimensions say.",
         "Compile the dataset anew; leave --parameters away."},
    [DOCTOR_CONFIG_PUBLIC] =
        {"config-public", "GET /config answers anybody, and may be cached",
         DOCTOR_SET(DOCTOR_USE_CASE),
         "The proxy passes on POST only, wants a token, or forbids caching; 27.3 devices get the "
         "configuration by GET from Apple's cache.",
         "Pass GET /config on without conditions, with ETag and Cache-Control as they are."},
    [DOCTOR_MANIFEST] =
        {"manifest", "the server has the prefilter's manifest", DOCTOR_SET(DOCTOR_USE_CASE),
         "/prefilter/ is not passed on by the proxy, or what is there is another form of "
         "description.",
         "Pass /prefilter/ on, without asking for anything."},
    [DOCTOR_MANIFEST_CACHE] =
        {"manifest-cache", "the manifest may be kept for a short time, and has an ETag",
         DOCTOR_SET(DOCTOR_MANIFEST),
         "A cache may keep it for longer than a day, or the proxy takes the ETag away: devices "
         "stay with an old prefilter.",
         "Leave Cache-Control and ETag as the server gives them; no gzip of JSON in the proxy."},
    [DOCTOR_SIGNATURE] =
        {"signature", "the manifest is signed with the key that the app pins",
         DOCTOR_SET(DOCTOR_MANIFEST),
         "The dataset was made without --sign-key, or with another key; an app that pins one takes "
         "no prefilter then.",
         "`blindlist sign --key FILE` prints the public key of FILE: it is the app's `PublicKey`. "
         "Give FILE to `blindlist compile` or `blindlist update` as --sign-key."},
    [DOCTOR_BITS] =
        {"bits", "the bits of the prefilter are there, whole, and those that the manifest names",
         DOCTOR_SET(DOCTOR_MANIFEST),
         "The manifest's url leads nowhere, or something on the way changes or cuts off the body.",
         "Publish manifest and bits together, bits first; look for a limit of size in the proxy."},
    [DOCTOR_BITS_CACHE] =
        {"bits-cache", "the bits may be kept, and fetched in parts", DOCTOR_SET(DOCTOR_BITS),
         "The proxy forbids caching or takes Accept-Ranges away: every device fetches all of "
         "them, and after a break anew.",
         "Pass /prefilter/ on as it is. The bits have their digest for a name and never change: "
         "`Cache-Control: public, max-age=31536000, immutable`."},
    [DOCTOR_PREFILTER_FILE] =
        {"prefilter-file", "the prefilter that the app ships is the one that is served",
         DOCTOR_SET(DOCTOR_BITS),
         "The file is from another version of the dataset, so that what was added since is let "
         "through, or it was built by another program.",
         "Take prefilter.bloom and prefilter.json (or prefilter.plist) from the version that is "
         "served."},
    [DOCTOR_PREFILTER_BUILT] =
        {"prefilter-built", "the prefilter finds its keys, as devices ask", DOCTOR_SET(DOCTOR_BITS),
         "It was built with FNV-1 instead of FNV-1a, sums of 64 bits, the most significant bit "
         "first, another seed, or from keys with https:// or www.",
         "Build it with `blindlist compile` or `blindlist bloom build`; `blindlist bloom "
         "diagnose` names the mistake."},
    [DOCTOR_PREFILTER_KEYS] = {"prefilter-keys", "the keys given are in the prefilter",
                               DOCTOR_SET(DOCTOR_PREFILTER_BUILT),
                               "It was built from another version of the list.",
                               "Compile the list again, and let the server load the version."},
    [DOCTOR_PREFILTER_TEST_ROW] =
        {"prefilter-test-row", "the prefilter has the row www.apple.com/url-filter-test",
         DOCTOR_SET(DOCTOR_PREFILTER_BUILT) | DOCTOR_SET(DOCTOR_PREFILTER_KEYS),
         "The row was not put in, or put in as other URLs are, without www.",
         "`blindlist compile` puts it in by itself; a builder of your own must be given it word "
         "for word."},
    [DOCTOR_PREFILTER_RATE] =
        {"prefilter-rate", "the prefilter is as selective as it says", DOCTOR_SET(DOCTOR_BITS),
         "It has too few bits for its keys, or is full: more URLs than expected lead to a "
         "question, and the relay's rates are exceeded.",
         "Build it with the number of keys that it gets."},
    [DOCTOR_KEY_UPLOAD] =
        {"key-upload", "the server takes an evaluation key",
         DOCTOR_SET(DOCTOR_PARAMETERS) | DOCTOR_SET(DOCTOR_SHARD_COUNT) |
             DOCTOR_SET(DOCTOR_TOKEN_REDEEM) | DOCTOR_SET(DOCTOR_BITS),
         "The proxy limits bodies (nginx: 1 MB unless told otherwise), ends slow uploads, or the "
         "server's disk is full.",
         "nginx: `client_max_body_size 10m`. Look into the server's log."},
    [DOCTOR_KEY_SURVIVES] =
        {"key-survives", "the server still has the key that was uploaded",
         DOCTOR_SET(DOCTOR_KEY_UPLOAD),
         "Several servers do not share their state, keys are dropped at once, or the header "
         "User-Identifier is changed on the way.",
         "Let all servers use one --state; pass User-Identifier on; look at --key-store-mb and "
         "--key-days."},
    [DOCTOR_TEST_ROW] =
        {"test-row", "the server finds the row www.apple.com/url-filter-test",
         DOCTOR_SET(DOCTOR_KEY_SURVIVES),
         "The row is not in the dataset, or the server computes with another dataset than its "
         "configuration says.",
         "`blindlist compile` puts it in by itself; Apple tests with it before it switches the "
         "relay on."},
    [DOCTOR_SHARDS] = {"shards", "every shard answers, and none finds what is not listed",
                       DOCTOR_SET(DOCTOR_TEST_ROW),
                       "Files of a shard are missing or from another version.",
                       "`blindlist dataset verify` on the server; compile again."},
    [DOCTOR_ROWS] =
        {"rows", "the server finds the keys given",
         DOCTOR_SET(DOCTOR_SHARDS) | DOCTOR_SET(DOCTOR_PREFILTER_KEYS),
         "Prefilter and shards are from different versions: what is listed is let through.",
         "Publish whole versions, as `blindlist compile` does; never replace a prefilter alone."},
    [DOCTOR_INLINE_KEY] =
        {"inline-key", "a question that carries its key along is answered, as 27.3 devices send it",
         DOCTOR_SET(DOCTOR_TEST_ROW) | DOCTOR_SET(DOCTOR_CONFIG_PUBLIC),
         "Something on the way limits the body of /queries to less than a key, or the server "
         "is too old to know such questions.",
         "Allow 10 MB for /queries, too; declare the size in the relay's form."},
    [DOCTOR_GATEWAY_URL] =
        {"gateway-url", "the gateway has a host of its own, https:// and nothing else", 0,
         "The URL has a path or a port, or is that of service or issuer.",
         "Give gateway, issuer and service a host name each; they may lead to one machine."},
    [DOCTOR_GATEWAY_KEYS] =
        {"gateway-keys", "the gateway publishes keys that devices take",
         DOCTOR_SET(DOCTOR_CERTIFICATE) | DOCTOR_SET(DOCTOR_GATEWAY_URL),
         "/.well-known/ohttp-gateway is not passed on, or has no key for X25519, HKDF-SHA256 and "
         "AES-128-GCM in the form of RFC 9458; devices tell a \"bad URL\" then.",
         "Let blindlist-server be the gateway (--gateway), or set the gateway to X25519."},
    [DOCTOR_GATEWAY_HTTP2] =
        {"gateway-http2", "the gateway speaks HTTP/2, chosen in the handshake (ALPN h2)",
         DOCTOR_SET(DOCTOR_GATEWAY_KEYS) | DOCTOR_SET(DOCTOR_HTTP2),
         "The proxy has HTTP/2 switched on for the service's host, but not for the gateway's.",
         "nginx 1.22: `listen 443 ssl http2`; since 1.25: `http2 on`. Caddy does it unasked."},
    [DOCTOR_GATEWAY_OPENS] =
        {"gateway-opens", "the gateway opens what is sealed for its key, and answers sealed",
         DOCTOR_SET(DOCTOR_GATEWAY_KEYS),
         "The proxy passes the keys on (GET) but not what is sealed for them (POST), or changes "
         "bodies or their type message/ohttp-req; or several gateways behind one name have keys "
         "of their own.",
         "Pass POST /.well-known/ohttp-gateway on as it is. Let all gateways use one --state and "
         "one --key-file."},
    [DOCTOR_GATEWAY_TARGET] =
        {"gateway-target", "the gateway answers for the hosts of service and issuer",
         DOCTOR_SET(DOCTOR_GATEWAY_OPENS) | DOCTOR_SET(DOCTOR_CONFIG_PUBLIC) |
             DOCTOR_SET(DOCTOR_DIRECTORY),
         "The host is not among the gateway's targets, is no host of the app, or the gateway "
         "leads to another server.",
         "blindlist-server: name service and issuer in --gateway-targets, and with several apps "
         "in their `hosts`. Another gateway: allow both as targets."},
    [DOCTOR_GATEWAY_CONFIG] =
        {"gateway-config", "the configuration is the same through the gateway",
         DOCTOR_SET(DOCTOR_GATEWAY_TARGET),
         "The gateway leads to another server, or to one with another version of the dataset.",
         "Let both names lead to the same servers, and give all of them the same --data."},
    [DOCTOR_GATEWAY_UPLOAD] =
        {"gateway-upload", "a device gets tokens and uploads its key through the gateway",
         DOCTOR_SET(DOCTOR_GATEWAY_CONFIG) | DOCTOR_SET(DOCTOR_TEST_ROW),
         "The proxy before the gateway limits bodies to less than a sealed key, or the gateway "
         "passes on GET alone, or without Authorization.",
         "nginx: `client_max_body_size 10m` for the gateway's host, too. Declare the size of "
         "keys in the relay's form (`blindlist ios checklist`)."},
    [DOCTOR_GATEWAY_QUESTIONS] =
        {"gateway-questions", "questions through the gateway are answered as without it",
         DOCTOR_SET(DOCTOR_GATEWAY_UPLOAD),
         "Something on the way limits answers to less than a sealed reply, or sends requests to "
         "servers that do not share their state.",
         "Allow the size of a reply (`blindlist dataset show`) for the gateway's host; let all "
         "servers use one --state."},
    [DOCTOR_DNS_TXT] =
        {"dns-txt", "the service's name has the TXT record for the app",
         DOCTOR_SET(DOCTOR_SERVER_URL) | DOCTOR_SET(DOCTOR_BUNDLE_ID),
         "The record is missing, stands at another name, or names another app.",
         "In the DNS, at the host name of the service: TXT \"apple-url-filter=BUNDLE-ID\"."},
    [DOCTOR_PROFILE] =
        {"profile", "the configuration profile has the right keys", 0,
         "A key is misspelled, has another type, or is missing.",
         "`blindlist ios profile --check FILE` names all of them; `blindlist ios profile` writes "
         "one."},
    [DOCTOR_PROFILE_NAMES] =
        {"profile-names", "the profile names this server, issuer and app",
         DOCTOR_SET(DOCTOR_PROFILE) | DOCTOR_SET(DOCTOR_SERVER_URL) |
             DOCTOR_SET(DOCTOR_ISSUER_URL) | DOCTOR_SET(DOCTOR_BUNDLE_ID),
         "The profile is one of another deployment, or spells a URL otherwise.",
         "Write the URLs character by character as in the app."},
    [DOCTOR_INFO_PLIST] =
        {"info-plist", "Info.plist names this server and issuer (NSPIRConfiguration)",
         DOCTOR_SET(DOCTOR_SERVER_URL) | DOCTOR_SET(DOCTOR_ISSUER_URL),
         "NSPIRConfiguration is missing, which 27.3 wants, or spells a URL otherwise than "
         "setConfiguration.",
         "`blindlist ios init` writes it; put it into the app's Info.plist, not the extension's."},
};

const struct doctor_row *doctor_row(enum doctor_check check)
{
    return &rows[check];
}

#define NETWORK_CHECKS DOCTOR_REACH, DOCTOR_CERTIFICATE, DOCTOR_HTTP2

static const struct doctor_error errors[] = {
    {.name = "2",
     .also = "configurationInvalid",
     .seen = "NEURLFilterManager error 2 when the configuration is saved, as a rule on a Mac",
     .means = "configurationInvalid: the system does not take the configuration as it is. No "
              "server was asked.",
     .next = "Compare the values given to setConfiguration, NSPIRConfiguration in Info.plist, the "
             "identifier of the extension, and the entitlements of app and extension. On a Mac "
             "the app must lie in /Applications.",
     .check_count = 6,
     .checks = {DOCTOR_SERVER_URL, DOCTOR_ISSUER_URL, DOCTOR_BUNDLE_ID, DOCTOR_INFO_PLIST,
                DOCTOR_PROFILE, DOCTOR_PROFILE_NAMES}},
    {.name = "9",
     .also = "serverSetupIncomplete",
     .seen = "NEURLFilterManager error 9, serverSetupIncomplete",
     .means = "The device asked the server for its set-up and did not get it: unreachable, wrong "
              "name of the use case, wrong user token, or a distribution build whose relay has "
              "not been set up by Apple yet.",
     .next = "Does a build signed for development work with the same server? Then the server is "
             "right, and it is the relay that is missing: `blindlist ios checklist`.",
     .check_count = 15,
     .checks = {NETWORK_CHECKS, DOCTOR_USE_CASE, DOCTOR_USER_TOKEN, DOCTOR_TOKEN_ISSUE,
                DOCTOR_TOKEN_REDEEM, DOCTOR_DIRECTORY, DOCTOR_CONFIG, DOCTOR_CONFIG_PUBLIC,
                DOCTOR_SHARD_COUNT, DOCTOR_TEST_ROW, DOCTOR_GATEWAY_KEYS, DOCTOR_GATEWAY_TARGET,
                DOCTOR_GATEWAY_QUESTIONS}},
    {.name = "14",
     .seen = "NEURLFilterManager error 14, over NEVPNConnectionErrorDomainPlugin 7",
     .means =
         "No cause has been published; the domain is that of the plug-in, which is the control "
         "provider. What ends one: an error thrown, no prefilter where there must be one "
         "(the first tag is nil), more than about 6 MB of memory, an extension that is not "
         "where the system looks for it.",
     .next = "Look at the log of the extension. Large prefilters go into a temporary file in "
             "pieces; the extension lies in Extensions/ of the app, has the extension point "
             "com.apple.networkextension.url-filter-control, an @main type, and both "
             "entitlements.",
     .check_count = 6,
     .checks = {DOCTOR_MANIFEST, DOCTOR_SIGNATURE, DOCTOR_BITS, DOCTOR_BITS_CACHE,
                DOCTOR_PREFILTER_FILE, DOCTOR_BUNDLE_ID}},
    {.name = "1100",
     .seen = "CipherML error 1100 (\"unable to query status\"), as a rule over 1800, details "
             "redacted, on 27 and later",
     .means = "No cause has been published. What changed with 27 and 27.3 is what to check: GET "
              "/config without a token, keys that travel with each question, the first valid key "
              "of the directory, and the number of shards.",
     .next = "Make all checks; then try the same app on a device with 26.",
     .check_count = 9,
     .checks = {DOCTOR_CONFIG_PUBLIC, DOCTOR_SHARD_COUNT, DOCTOR_INLINE_KEY, DOCTOR_TOKEN_KEY_BEGUN,
                DOCTOR_DIRECTORY_SAME, DOCTOR_USE_CASE, DOCTOR_USER_TOKEN, DOCTOR_TOKEN_REDEEM,
                DOCTOR_TEST_ROW}},
    {.name = "1800",
     .seen = "CipherML error 1800, as a rule below 1100",
     .means = "The cause below 1100, redacted in the log.",
     .next = "See 1100.",
     .check_count = 5,
     .checks = {DOCTOR_CONFIG_PUBLIC, DOCTOR_SHARD_COUNT, DOCTOR_INLINE_KEY, DOCTOR_USE_CASE,
                DOCTOR_TOKEN_REDEEM}},
    {.name = "-1009",
     .also = "_NSURLErrorPrivacyProxyFailureKey",
     .seen = "NSURLError -1009, \"Network is down\", with _NSURLErrorPrivacyProxyFailureKey",
     .means = "The device could not go through Apple's relay: the relay has not been set up for "
              "this service, or does not reach it.",
     .next = "Distribution builds (TestFlight, App Store) need the onboarding. A build signed for "
             "development goes to the server directly.",
     .check_count = 12,
     .checks = {NETWORK_CHECKS, DOCTOR_GATEWAY_KEYS, DOCTOR_GATEWAY_HTTP2, DOCTOR_GATEWAY_OPENS,
                DOCTOR_GATEWAY_TARGET, DOCTOR_GATEWAY_CONFIG, DOCTOR_GATEWAY_UPLOAD,
                DOCTOR_GATEWAY_QUESTIONS, DOCTOR_GATEWAY_URL, DOCTOR_DNS_TXT}},
    {.name = "bad-url",
     .also = "-1000",
     .seen = "\"bad URL\" (NSURLError -1000) in a distribution build, before anything is asked",
     .means = "As people report it: the gateway's keys are not for X25519. Or a URL has a path, a "
              "port or a slash at its end.",
     .next = "Fetch /.well-known/ohttp-gateway again after a change: a relay may keep old keys.",
     .check_count = 4,
     .checks = {DOCTOR_GATEWAY_KEYS, DOCTOR_GATEWAY_URL, DOCTOR_SERVER_URL, DOCTOR_ISSUER_URL}},
    {.name = "errno-13",
     .also = "EACCES",
     .seen = "errno 13 on the prefilter's map file, on a Mac",
     .means = "EACCES: the system may not read the file that the extension handed over. Why has "
              "not been published.",
     .next = "Rule out the place: write the file into the extension's own temporary folder "
             "(FileManager.default.temporaryDirectory), not into an app group, a bundle or the "
             "home folder, and leave it there: the system takes it over.",
     .check_count = 0},
    {.name = "stopped",
     .also = ".stopped",
     .seen = "status is .stopped while every URL load is blocked, although shouldFailClosed is "
             "false",
     .means = "No cause has been published. To rule out: an enabled configuration with "
              "fail-closed, of an earlier build or of a profile, is still installed.",
     .next = "loadFromPreferences, removeFromPreferences, then set and save anew; remove "
             "profiles; install the app again.",
     .check_count = 0},
    {.name = "no-evaluation-key",
     .seen = "\"Evaluation key not found\" (400)",
     .means = "The server lost the key that the device uploaded, as a rule in a restart.",
     .next = "Devices upload again when /config tells them that there is none.",
     .check_count = 2,
     .checks = {DOCTOR_KEY_SURVIVES, DOCTOR_KEY_UPLOAD}},
    {.name = "no-token-key",
     .seen = "\"No token key found with key id\" (401)",
     .means = "The token was made with a key that the server does not have any more, or has not "
              "yet: the state was lost in a restart, or issuer and server do not share it.",
     .next = "Devices keep tokens for a week and throw refused ones away.",
     .check_count = 3,
     .checks = {DOCTOR_TOKEN_REDEEM, DOCTOR_DIRECTORY_SAME, DOCTOR_TOKEN_ISSUE}},
    {.name = "missing-configuration",
     .seen = "\"missing configuration\" in the device's log",
     .means = "The server's answer to /config does not have the use case that the device asked "
              "for: BUNDLE-ID.url.filtering.",
     .next = "Compare with the bundle identifier of the app, not of its extension.",
     .check_count = 2,
     .checks = {DOCTOR_USE_CASE, DOCTOR_BUNDLE_ID}},
    {.name = "never-blocks",
     .seen = "status is .running, but nothing is ever blocked",
     .means = "The prefilter does not find the keys as devices ask for them, or the entries are "
              "written as no device asks.",
     .next = "`blindlist suburls URL` shows what is asked for, `blindlist explain URL` why an "
             "entry does or does not block it. On devices, resetPIRCache() forgets answers.",
     .check_count = 7,
     .checks = {DOCTOR_PREFILTER_BUILT, DOCTOR_PREFILTER_KEYS, DOCTOR_PREFILTER_TEST_ROW,
                DOCTOR_PREFILTER_FILE, DOCTOR_ROWS, DOCTOR_MANIFEST_CACHE, DOCTOR_SIGNATURE}},
    {.name = "exact-hosts",
     .seen = "on 27 and later a listed host is blocked, but no host below it",
     .means = "A configuration that an app saved on 26 has been seen to walk no hosts after the "
              "update.",
     .next = "Set urlParsingConfiguration to ParsingConfiguration(), the default, and save. "
             "URLFilterSetup does, in enable() and update().",
     .check_count = 1,
     .checks = {DOCTOR_PREFILTER_KEYS}},
    {.name = "configurationUnchanged",
     .also = "1",
     .seen = "NEURLFilterManager error 1, configurationUnchanged",
     .means = "What is to be saved is in force already. No failure.",
     .next = "Take it for a success."},
    {.name = "configurationDisabled",
     .also = "3",
     .seen = "NEURLFilterManager error 3, configurationDisabled",
     .means = "Somebody switched the filter off in Settings, or another filter took its place.",
     .next = "Switch it on in the app, or in Settings."},
    {.name = "configurationStale",
     .also = "4",
     .seen = "NEURLFilterManager error 4, configurationStale",
     .means = "The configuration was changed, in Settings or by another part of the app, since it "
              "was loaded.",
     .next = "loadFromPreferences, then set and save once more."},
    {.name = "configurationCannotBeRemoved",
     .also = "5",
     .seen = "NEURLFilterManager error 5, configurationCannotBeRemoved",
     .means = "A profile of the device's management installed it.",
     .next = "Remove the profile."},
    {.name = "configurationPermissionDenied",
     .also = "6",
     .seen = "NEURLFilterManager error 6, configurationPermissionDenied",
     .means = "Somebody declined when the system asked, or the app lacks the entitlement.",
     .next = "Try again and allow it; com.apple.developer.networking.networkextension has to have "
             "url-filter-provider, in app and extension."},
    {.name = "configurationInternalError",
     .also = "7",
     .seen = "NEURLFilterManager error 7, configurationInternalError",
     .means = "No cause has been published. Often left over from an app that was replaced while "
              "its filter ran.",
     .next = "Switch the filter off and on; then removeFromPreferences; then restart the device."},
    {.name = "configurationNotLoaded",
     .also = "8",
     .seen = "NEURLFilterManager error 8, configurationNotLoaded",
     .means = "The configuration was changed before it was loaded.",
     .next = "loadFromPreferences first; URLFilterSetup does."},
    {.name = "internalError",
     .also = "10",
     .seen = "NEURLFilterManager error 10, internalError",
     .means = "No cause has been published.",
     .next = "As for configurationInternalError."},
    {.name = "extensionCancelled",
     .also = "11",
     .seen = "NEURLFilterManager error 11, extensionCancelled",
     .means = "The extension ended while it was wanted: it crashed, used more than about 6 MB of "
              "memory, or left by itself, which 27 takes for a crash.",
     .next = "Look for its crash in the device's analytics data. Large prefilters go into a "
             "temporary file in pieces.",
     .check_count = 2,
     .checks = {DOCTOR_MANIFEST, DOCTOR_BITS}},
    {.name = "extensionNotFound",
     .also = "12",
     .seen = "NEURLFilterManager error 12, extensionNotFound",
     .means = "The identifier given to setConfiguration names no extension in Extensions/ of the "
              "app, or one of another extension point.",
     .next = "Compare it with the extension's bundle identifier; its Info.plist names "
             "com.apple.networkextension.url-filter-control.",
     .check_count = 2,
     .checks = {DOCTOR_BUNDLE_ID, DOCTOR_PROFILE}},
    {.name = "extensionFailedToLoad",
     .also = "13",
     .seen = "NEURLFilterManager error 13, extensionFailedToLoad",
     .means = "The extension was found, but did not start: no @main type, no entitlement, or "
              "signed otherwise than the app.",
     .next = "Look at the device's log for its name. `blindlist ios init` writes one that has all "
             "of it."},
};

size_t doctor_error_count(void)
{
    return ARRAY_COUNT(errors);
}

const struct doctor_error *doctor_error(size_t i)
{
    return &errors[i];
}

const struct doctor_error *doctor_error_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        if (strcmp(errors[i].name, name) == 0 ||
            (errors[i].also != NULL && strcasecmp(errors[i].also, name) == 0))
            return &errors[i];
    }
    return NULL;
}
