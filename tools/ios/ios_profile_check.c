/* A profile against its schema: keys, types, values. */
#include "bloom/formats/plist_tree.h"
#include "tools/deployment_names.h"
#include "tools/ios/ios_profile.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WHERE_BYTES 512
#define WHAT_BYTES  512
#define WHOLE_BYTES (2 * WHERE_BYTES)

/* NULL when the value will do; else a phrase. */
typedef const char *value_rule(const struct plist_value *value);

struct key_rule {
    const char *key;
    enum plist_type type;
    bool is_required;
    value_rule *rule; /* NULL: any value of the type */
};

struct check {
    ios_profile_fault *fault;
    void *context;
};

static void tell(const struct check *check, unsigned long line, const char *where, const char *key,
                 const char *what)
{
    char whole[WHOLE_BYTES];
    snprintf(whole, sizeof whole, "%s%s%s", where, where[0] != '\0' ? "." : "", key);
    check->fault(check->context, line, whole, what);
}

/* ---- rules ---- */

static const char *rule_url(const struct plist_value *value)
{
    return deployment_url_fault(value->text);
}

/* Printable ASCII without blank, and nothing that ends a path. */
static bool is_path_character(char c)
{
    return c > ' ' && c <= '~' && c != '?' && c != '#';
}

const char *ios_report_endpoint_fault(const char *endpoint)
{
    if (strstr(endpoint, "://") != NULL)
        return "is a whole URL; it is a path on the server, such as report";
    if (endpoint[0] == '/')
        return "begins with a slash, which devices put there themselves";
    for (const char *c = endpoint; *c != '\0'; c++) {
        if (!is_path_character(*c))
            return "has what is in no path";
    }
    return endpoint[0] == '\0' ? "is empty" : NULL;
}

static const char *rule_report_endpoint(const struct plist_value *value)
{
    return ios_report_endpoint_fault(value->text);
}

static const char *rule_bundle_id(const struct plist_value *value)
{
    return deployment_bundle_id_fault(value->text);
}

static const char *rule_not_empty(const struct plist_value *value)
{
    return value->text[0] == '\0' ? "is empty" : NULL;
}

static const char *rule_token(const struct plist_value *value)
{
    if (strncasecmp(value->text, "Bearer ", 7) == 0)
        return "begins with \"Bearer\", which devices put there themselves";
    return value->text[strcspn(value->text, " \t\r\n")] != '\0' ? "has blanks or a line end"
                                                                : rule_not_empty(value);
}

static const char *rule_true(const struct plist_value *value)
{
    return strcmp(value->text, "true") == 0 ? NULL : "must be true";
}

static const char *rule_one(const struct plist_value *value)
{
    return value->integer == 1 ? NULL : "must be 1";
}

static const char *rule_configuration(const struct plist_value *value)
{
    return strcmp(value->text, "Configuration") == 0 ? NULL : "must be Configuration";
}

static const char *rule_plugin(const struct plist_value *value)
{
    return strcmp(value->text, "Plugin") == 0 ? NULL : "must be Plugin";
}

static const char *rule_false(const struct plist_value *value)
{
    return strcmp(value->text, "false") == 0 ? NULL
                                             : "must be false: what is encrypted is not seen";
}

static const char *rule_scope(const struct plist_value *value)
{
    return strcmp(value->text, "System") == 0
               ? NULL
               : "must be System: Macs take this payload for all users";
}

static const char *rule_device(const struct plist_value *value)
{
    switch (value->integer) { /* any, iPhone and iPad, Mac */
    case 0:
    case 1:
    case 5:
        return NULL;
    default:
        return "must be 0, 1 or 5: other devices filter no URLs";
    }
}

static const char *rule_grade(const struct plist_value *value)
{
    return strcmp(value->text, "firewall") == 0 || strcmp(value->text, "inspector") == 0
               ? NULL
               : "must be firewall or inspector";
}

static const char *rule_built_in(const struct plist_value *value)
{
    (void)value;
    return "has no effect: it is for FilterType BuiltIn";
}

static const char *rule_report_format(const struct plist_value *value)
{
    return strcmp(value->text, "json") == 0 || strcmp(value->text, "protobuf") == 0
               ? NULL
               : "must be json or protobuf";
}

static const char *rule_prefilter_interval(const struct plist_value *value)
{
    return value->integer >= IOS_PREFILTER_INTERVAL_MIN_S ? NULL : "must be at least 2700 seconds";
}

static const char *rule_report_interval(const struct plist_value *value)
{
    return value->integer >= IOS_REPORT_INTERVAL_MIN_S ? NULL : "must be at least 3600 seconds";
}

static const char *rule_uuid(const struct plist_value *value)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *text = value->text;
    size_t i = 0;
    for (; text[i] != '\0' && i < 36; i++) {
        const bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_hyphen ? text[i] != '-' : strchr(digits, text[i]) == NULL)
            return "is no UUID";
    }
    return i == 36 && text[i] == '\0' ? NULL : "is no UUID";
}

/* ---- the schema ---- */

static const struct key_rule profile_keys[] = {
    {"PayloadContent", PLIST_ARRAY, true, NULL},
    {"PayloadType", PLIST_STRING, true, rule_configuration},
    {"PayloadVersion", PLIST_INTEGER, true, rule_one},
    {"PayloadIdentifier", PLIST_STRING, true, rule_not_empty},
    {"PayloadUUID", PLIST_STRING, true, rule_uuid},
    {"PayloadDisplayName", PLIST_STRING, false, NULL},
    {"PayloadDescription", PLIST_STRING, false, NULL},
    {"PayloadOrganization", PLIST_STRING, false, NULL},
    {"PayloadScope", PLIST_STRING, false, rule_scope},
    {"PayloadRemovalDisallowed", PLIST_BOOLEAN, false, NULL},
    {"PayloadExpirationDate", PLIST_DATE, false, NULL},
    {"RemovalDate", PLIST_DATE, false, NULL},
    {"DurationUntilRemoval", PLIST_REAL, false, NULL},
    {"ConsentText", PLIST_DICT, false, NULL},
    {"TargetDeviceType", PLIST_INTEGER, false, rule_device},
    {"HasRemovalPasscode", PLIST_BOOLEAN, false, NULL},
    {"IsEncrypted", PLIST_BOOLEAN, false, rule_false},
};

static const struct key_rule filter_keys[] = {
    {"PayloadType", PLIST_STRING, true, NULL},
    {"PayloadVersion", PLIST_INTEGER, true, rule_one},
    {"PayloadIdentifier", PLIST_STRING, true, rule_not_empty},
    {"PayloadUUID", PLIST_STRING, true, rule_uuid},
    {"PayloadDisplayName", PLIST_STRING, false, NULL},
    {"PayloadDescription", PLIST_STRING, false, NULL},
    {"PayloadOrganization", PLIST_STRING, false, NULL},
    {"FilterType", PLIST_STRING, true, rule_plugin},
    {"FilterURLs", PLIST_BOOLEAN, true, rule_true},
    {"URLFilterParameters", PLIST_DICT, true, NULL},
    {"PluginBundleID", PLIST_STRING, true, rule_bundle_id},
    {"UserDefinedName", PLIST_STRING, true, rule_not_empty},
    {"VendorConfig", PLIST_DICT, false, NULL},
    {"Organization", PLIST_STRING, false, NULL},
    {"ServerAddress", PLIST_STRING, false, NULL},
    {"UserName", PLIST_STRING, false, NULL},
    {"Password", PLIST_STRING, false, NULL},
    {"PayloadCertificateUUID", PLIST_STRING, false, rule_uuid},
    {"ContentFilterUUID", PLIST_STRING, false, rule_not_empty},
    {"FilterBrowsers", PLIST_BOOLEAN, false, NULL},
    {"FilterSockets", PLIST_BOOLEAN, false, NULL},
    {"FilterPackets", PLIST_BOOLEAN, false, NULL},
    {"FilterGrade", PLIST_STRING, false, rule_grade},
    {"FilterDataProviderBundleIdentifier", PLIST_STRING, false, NULL},
    {"FilterDataProviderDesignatedRequirement", PLIST_STRING, false, NULL},
    {"FilterPacketProviderBundleIdentifier", PLIST_STRING, false, NULL},
    {"FilterPacketProviderDesignatedRequirement", PLIST_STRING, false, NULL},
    {"AutoFilterEnabled", PLIST_BOOLEAN, false, rule_built_in},
    {"PermittedURLs", PLIST_ARRAY, false, rule_built_in},
    {"DenyListURLs", PLIST_ARRAY, false, rule_built_in},
    {"BlacklistedURLs", PLIST_ARRAY, false, rule_built_in},
    {"HideDenyListURLs", PLIST_BOOLEAN, false, rule_built_in},
    {"AllowListBookmarks", PLIST_ARRAY, false, rule_built_in},
    {"WhitelistedBookmarks", PLIST_ARRAY, false, rule_built_in},
};

static const struct key_rule parameter_keys[] = {
    {"PIRServerURL", PLIST_STRING, true, rule_url},
    {"PIRPrivacyPassIssuerURL", PLIST_STRING, true, rule_url},
    {"PIRAuthenticationToken", PLIST_STRING, true, rule_token},
    {"URLFilterControlProviderBundleIdentifier", PLIST_STRING, true, rule_bundle_id},
    {"URLFilterControlProviderDesignatedRequirement", PLIST_STRING, false, rule_not_empty},
    {"URLFilterFailClosed", PLIST_BOOLEAN, false, NULL},
    {"URLPrefilterFetchFrequency", PLIST_INTEGER, false, rule_prefilter_interval},
};

/* What `ios profile` writes there; an app may have more of its own. */
static const struct key_rule report_keys[] = {
    {"reportEndpoint", PLIST_STRING, false, rule_report_endpoint},
    {"reportFormat", PLIST_STRING, false, rule_report_format},
    {"reportInterval", PLIST_INTEGER, false, rule_report_interval},
};

/* ---- one dict ---- */

static const struct key_rule *find_rule(const struct key_rule *rules, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i].key, key) == 0)
            return &rules[i];
    }
    return NULL;
}

/* The key that was meant: the same but for capitals; NULL when there is none. */
static const char *meant(const struct key_rule *rules, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(rules[i].key, key) == 0)
            return rules[i].key;
    }
    return NULL;
}

static void check_value(const struct check *check, const char *where,
                        const struct plist_value *value, const struct key_rule *rule)
{
    char what[WHAT_BYTES];
    const char *fault = NULL;
    if (value->type != rule->type) {
        snprintf(what, sizeof what, "is of type %s, should be %s", plist_type_name(value->type),
                 plist_type_name(rule->type));
        fault = what;
    } else if (rule->rule != NULL) {
        fault = rule->rule(value);
    }
    if (fault != NULL)
        tell(check, value->line, where, value->key, fault);
}

static void check_dict(const struct check *check, const char *where, const struct plist_value *dict,
                       const struct key_rule *rules, size_t count, bool has_others)
{
    char what[WHAT_BYTES];
    for (const struct plist_value *value = dict->first; value != NULL; value = value->next) {
        const struct key_rule *rule = find_rule(rules, count, value->key);
        if (rule != NULL) {
            check_value(check, where, value, rule);
        } else if (!has_others) {
            const char *other = meant(rules, count, value->key);
            snprintf(what, sizeof what, "there is no such key%s%s", other != NULL ? "; it is " : "",
                     other != NULL ? other : "");
            tell(check, value->line, where, value->key, what);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (rules[i].is_required && plist_value_get(dict, rules[i].key) == NULL)
            tell(check, dict->line, where, rules[i].key, "is missing");
    }
}

/* ---- all of it ---- */

static const char *text_of(const struct plist_value *dict, const char *key)
{
    const struct plist_value *value = plist_value_get(dict, key);
    return value != NULL && value->type == PLIST_STRING ? value->text : NULL;
}

static void compare(const struct check *check, const char *where, const struct plist_value *dict,
                    const char *key, const char *expected)
{
    char what[WHAT_BYTES];
    const char *text = text_of(dict, key);
    if (text == NULL || expected == NULL || strcmp(text, expected) == 0)
        return;
    snprintf(what, sizeof what, "is %s, should be %s", text, expected);
    tell(check, plist_value_get(dict, key)->line, where, key, what);
}

/* The system starts extensions of the app that the filter is of, and no others. */
static void check_extension(const struct check *check, const char *where,
                            const struct plist_value *payload, const struct plist_value *parameters)
{
    static const char key[] = "URLFilterControlProviderBundleIdentifier";
    const char *app = text_of(payload, "PluginBundleID");
    const char *extension = text_of(parameters, key);
    if (app == NULL || extension == NULL || deployment_bundle_id_fault(app) != NULL ||
        deployment_bundle_id_fault(extension) != NULL)
        return;
    const size_t size = strlen(app);
    if (strncmp(extension, app, size) != 0 || extension[size] != '.')
        tell(check, plist_value_get(parameters, key)->line, where, key,
             "does not begin with PluginBundleID and a dot");
}

static void check_filter(const struct check *check, const struct plist_value *payload,
                         const char *where, const struct ios_profile_expected *expected)
{
    char inner[WHERE_BYTES];
    const struct plist_value *parameters = plist_value_get(payload, "URLFilterParameters");
    const struct plist_value *vendor = plist_value_get(payload, "VendorConfig");
    check_dict(check, where, payload, filter_keys, ARRAY_COUNT(filter_keys), false);
    if (expected != NULL)
        compare(check, where, payload, "PluginBundleID", expected->bundle_id);
    if (parameters != NULL && parameters->type == PLIST_DICT) {
        snprintf(inner, sizeof inner, "%s.URLFilterParameters", where);
        check_dict(check, inner, parameters, parameter_keys, ARRAY_COUNT(parameter_keys), false);
        check_extension(check, inner, payload, parameters);
        if (expected != NULL) {
            compare(check, inner, parameters, "PIRServerURL", expected->server);
            compare(check, inner, parameters, "PIRPrivacyPassIssuerURL", expected->issuer);
        }
    }
    if (vendor != NULL && vendor->type == PLIST_DICT) {
        snprintf(inner, sizeof inner, "%s.VendorConfig", where);
        check_dict(check, inner, vendor, report_keys, ARRAY_COUNT(report_keys), true);
    }
}

/* Other payloads of a profile are others' business. */
static void check_payloads(const struct check *check, const struct plist_value *content,
                           const struct ios_profile_expected *expected)
{
    size_t i = 0;
    size_t filter_count = 0;
    for (const struct plist_value *value = content->first; value != NULL; value = value->next) {
        char where[64];
        snprintf(where, sizeof where, "PayloadContent[%zu]", i++);
        const char *type = text_of(value, "PayloadType");
        if (value->type != PLIST_DICT) {
            check->fault(check->context, value->line, where, "is no dict");
        } else if (type == NULL) {
            tell(check, value->line, where, "PayloadType", "is missing");
        } else if (strcmp(type, "com.apple.webcontent-filter") == 0) {
            filter_count++;
            check_filter(check, value, where, expected);
        }
    }
    if (filter_count == 0)
        check->fault(check->context, content->line, "PayloadContent",
                     "has no payload of the type com.apple.webcontent-filter");
}

enum status ios_profile_check(struct span xml, const char *name,
                              const struct ios_profile_expected *expected, ios_profile_fault *fault,
                              void *context, struct error *err)
{
    struct plist_tree *tree = NULL;
    const struct check check = {fault, context};
    const enum status status = plist_tree_parse(xml, name, &tree, err);
    if (status != STATUS_OK)
        return status;
    const struct plist_value *root = plist_tree_root(tree);
    const struct plist_value *content = plist_value_get(root, "PayloadContent");
    if (root->type != PLIST_DICT)
        fault(context, root->line, "profile", "is no dict");
    else
        check_dict(&check, "", root, profile_keys, ARRAY_COUNT(profile_keys), false);
    if (content != NULL && content->type == PLIST_ARRAY)
        check_payloads(&check, content, expected);
    plist_tree_free(tree);
    return STATUS_OK;
}
