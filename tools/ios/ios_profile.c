#include "tools/ios/ios_profile.h"

#include "bloom/formats/bloom_filter.h"
#include "tools/ios/plist_write.h"

#include <stdio.h>

#define IDENTIFIER_MAX_BYTES 512
#define UUID_TEXT_BYTES      37

/* Version 8 (RFC 9562 section 5.8): from the digest of an identifier. */
static enum status make_uuid(const char *identifier, char ret[UUID_TEXT_BYTES], struct error *err)
{
    char hex[2 * BLOOM_DIGEST_BYTES + 1];
    const enum status status = bloom_digest_hex(span_of_text(identifier), hex, err);
    if (status != STATUS_OK)
        return status;
    for (char *c = hex; *c != '\0'; c++)
        *c = *c >= 'a' ? (char)(*c - 'a' + 'A') : *c;
    snprintf(ret, UUID_TEXT_BYTES, "%.8s-%.4s-8%.3s-A%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15,
             hex + 18);
    return STATUS_OK;
}

static void name_part(const struct ios_profile *profile, const char *suffix,
                      char ret[IDENTIFIER_MAX_BYTES])
{
    snprintf(ret, IDENTIFIER_MAX_BYTES, "%s.%s", profile->bundle_id, suffix);
}

/* What every payload says of itself. */
static enum status write_head(struct plist_writer *writer, const struct ios_profile *profile,
                              const char *type, const char *suffix, struct error *err)
{
    char identifier[IDENTIFIER_MAX_BYTES];
    char uuid[UUID_TEXT_BYTES];
    name_part(profile, suffix, identifier);
    const enum status status = make_uuid(identifier, uuid, err);
    if (status != STATUS_OK)
        return status;
    plist_write_string(writer, "PayloadDisplayName", profile->name);
    plist_write_string(writer, "PayloadIdentifier", identifier);
    plist_write_string(writer, "PayloadOrganization", profile->organization);
    plist_write_string(writer, "PayloadType", type);
    plist_write_string(writer, "PayloadUUID", uuid);
    plist_write_integer(writer, "PayloadVersion", 1);
    return STATUS_OK;
}

static enum status write_content_filter(struct plist_writer *writer,
                                        const struct ios_profile *profile, struct error *err)
{
    char identifier[IDENTIFIER_MAX_BYTES];
    char uuid[UUID_TEXT_BYTES];
    name_part(profile, "profile.content-filter", identifier);
    const enum status status = make_uuid(identifier, uuid, err);
    if (status == STATUS_OK)
        plist_write_string(writer, "ContentFilterUUID", uuid);
    return status;
}

static void write_parameters(struct plist_writer *writer, const struct ios_profile *profile)
{
    plist_write_open(writer, "URLFilterParameters", "dict");
    plist_write_string(writer, "PIRAuthenticationToken", profile->user_token);
    plist_write_string(writer, "PIRPrivacyPassIssuerURL", profile->issuer);
    plist_write_string(writer, "PIRServerURL", profile->server);
    plist_write_string(writer, "URLFilterControlProviderBundleIdentifier", profile->extension_id);
    plist_write_string(writer, "URLFilterControlProviderDesignatedRequirement",
                       profile->designated_requirement);
    plist_write_boolean(writer, "URLFilterFailClosed", profile->fails_closed);
    plist_write_integer(writer, "URLPrefilterFetchFrequency", profile->prefilter_interval_s);
    plist_write_close(writer, "dict");
}

static void write_reporting(struct plist_writer *writer, const struct ios_profile *profile)
{
    plist_write_open(writer, "VendorConfig", "dict");
    plist_write_string(writer, "reportEndpoint", profile->report_endpoint);
    plist_write_string(writer, "reportFormat", profile->report_format);
    plist_write_integer(writer, "reportInterval", profile->report_interval_s);
    plist_write_close(writer, "dict");
}

enum status ios_profile_write(const struct ios_profile *profile, struct bytes *ret,
                              struct error *err)
{
    struct plist_writer writer;
    plist_write_begin(&writer, ret);
    plist_write_open(&writer, NULL, "dict");
    plist_write_open(&writer, "PayloadContent", "array");
    plist_write_open(&writer, NULL, "dict");
    enum status status = STATUS_OK;
    if (profile->is_for_unsupervised)
        status = write_content_filter(&writer, profile, err);
    plist_write_string(&writer, "FilterType", "Plugin");
    plist_write_boolean(&writer, "FilterURLs", true);
    if (status == STATUS_OK)
        status = write_head(&writer, profile, "com.apple.webcontent-filter", "profile.filter", err);
    if (status != STATUS_OK)
        return status;
    plist_write_string(&writer, "PluginBundleID", profile->bundle_id);
    write_parameters(&writer, profile);
    plist_write_string(&writer, "UserDefinedName", profile->name);
    if (profile->report_endpoint != NULL)
        write_reporting(&writer, profile);
    plist_write_close(&writer, "dict");
    plist_write_close(&writer, "array");
    status = write_head(&writer, profile, "Configuration", "profile", err);
    if (status != STATUS_OK)
        return status;
    plist_write_string(&writer, "PayloadScope", "System");
    plist_write_close(&writer, "dict");
    plist_write_end(&writer);
    return bytes_status(ret, "profile", err);
}
