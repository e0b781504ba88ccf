#include "tools/doctor/doctor_table.h"

#include "base/compiler.h"

#include <string.h>

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
         "Let blindlist-server make the key, or write it as service.md section 7.2 says: what "
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
};

const struct doctor_row *doctor_row(enum doctor_check check)
{
    return &rows[check];
}

#define NETWORK_CHECKS DOCTOR_REACH, DOCTOR_CERTIFICATE, DOCTOR_HTTP2

static const struct doctor_error errors[] = {
    {.name = "2",
     .seen = "NEURLFilterManager error 2 when the configuration is saved, as a rule on a Mac",
     .means = "configurationInvalid: the system does not take the configuration as it is. No "
              "server was asked.",
     .next = "Compare the values given to setConfiguration, NSPIRConfiguration in Info.plist, the "
             "identifier of the extension, and the entitlements of app and extension. On a Mac "
             "the app must lie in /Applications.",
     .check_count = 3,
     .checks = {DOCTOR_SERVER_URL, DOCTOR_ISSUER_URL, DOCTOR_BUNDLE_ID}},
    {.name = "9",
     .seen = "NEURLFilterManager error 9, serverSetupIncomplete",
     .means = "The device asked the server for its set-up and did not get it: unreachable, wrong "
              "name of the use case, wrong user token, or a distribution build whose relay has "
              "not been set up by Apple yet.",
     .next = "Does a build signed for development work with the same server? Then the server is "
             "right.",
     .check_count = 11,
     .checks = {NETWORK_CHECKS, DOCTOR_USE_CASE, DOCTOR_USER_TOKEN, DOCTOR_TOKEN_ISSUE,
                DOCTOR_TOKEN_REDEEM, DOCTOR_DIRECTORY, DOCTOR_CONFIG, DOCTOR_CONFIG_PUBLIC,
                DOCTOR_SHARD_COUNT}},
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
        if (strcmp(errors[i].name, name) == 0)
            return &errors[i];
    }
    return NULL;
}
