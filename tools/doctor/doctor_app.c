/* The files of the app side: configuration profile and Info.plist. */
#include "base/file.h"
#include "bloom/formats/plist_tree.h"
#include "tools/doctor/doctor_internal.h"
#include "tools/ios/ios_profile.h"

#include <stdio.h>

/* The first fault, and how many there are. */
struct faults {
    size_t count;
    char first[DOCTOR_WHY_BYTES / 2];
};

static void take_fault(void *context, unsigned long line, const char *where, const char *what)
{
    struct faults *faults = context;
    if (faults->count++ == 0)
        snprintf(faults->first, sizeof faults->first, "line %lu: %s: %s", line, where, what);
}

static void examine_against(struct examination *exam, enum doctor_check check, struct span xml,
                            const struct ios_profile_expected *expected)
{
    struct faults faults = {0};
    struct error error;
    const char *path = exam->options->profile_path;
    if (ios_profile_check(xml, path, expected, take_fault, &faults, &error) != STATUS_OK)
        doctor_fail(exam, check, "%s", error.message);
    else if (faults.count > 1)
        doctor_fail(exam, check, "%s, %s (and %zu more)", path, faults.first, faults.count - 1);
    else if (faults.count == 1)
        doctor_fail(exam, check, "%s, %s", path, faults.first);
    else
        doctor_pass(exam, check, "%s", path);
}

static void examine_profile(struct examination *exam)
{
    const struct doctor_options *options = exam->options;
    const struct ios_profile_expected expected = {options->server, options->issuer,
                                                  options->bundle_id};
    struct bytes xml;
    struct error error;
    if (options->profile_path == NULL) {
        doctor_unknown(exam, DOCTOR_PROFILE, "--profile was not given");
        doctor_unknown(exam, DOCTOR_PROFILE_NAMES, "--profile was not given");
        return;
    }
    bytes_init(&xml, PLIST_TREE_MAX_BYTES);
    if (file_read(options->profile_path, &xml, &error) != STATUS_OK) {
        doctor_fail(exam, DOCTOR_PROFILE, "%s", error.message);
    } else {
        examine_against(exam, DOCTOR_PROFILE, bytes_view(&xml), NULL);
        if (doctor_may(exam, DOCTOR_PROFILE_NAMES))
            examine_against(exam, DOCTOR_PROFILE_NAMES, bytes_view(&xml), &expected);
    }
    bytes_deinit_secret(&xml);
}

/* "" when it is not there or no text. */
static const char *text_of(const struct plist_value *dict, const char *key)
{
    const struct plist_value *value = plist_value_get(dict, key);
    return value != NULL && value->type == PLIST_STRING ? value->text : "";
}

static void compare_info(struct examination *exam, const struct plist_tree *tree)
{
    const struct plist_value *names = plist_value_get(plist_tree_root(tree), "NSPIRConfiguration");
    const char *server = text_of(names, "PIRServerURL");
    const char *issuer = text_of(names, "PrivacyPassIssuerURL");
    if (names == NULL)
        doctor_fail(exam, DOCTOR_INFO_PLIST, "NSPIRConfiguration is missing");
    else if (strcmp(server, exam->options->server) != 0)
        doctor_fail(exam, DOCTOR_INFO_PLIST, "NSPIRConfiguration.PIRServerURL is %s",
                    server[0] != '\0' ? server : "missing");
    else if (strcmp(issuer[0] != '\0' ? issuer : server, exam->issuer) != 0)
        doctor_fail(exam, DOCTOR_INFO_PLIST, "NSPIRConfiguration.PrivacyPassIssuerURL is %s",
                    issuer[0] != '\0' ? issuer : "missing");
    else
        doctor_pass(exam, DOCTOR_INFO_PLIST, "%s", exam->options->info_plist_path);
}

static void examine_info(struct examination *exam)
{
    const char *path = exam->options->info_plist_path;
    struct plist_tree *tree = NULL;
    struct bytes xml;
    struct error error;
    if (!doctor_may(exam, DOCTOR_INFO_PLIST))
        return;
    if (path == NULL) {
        doctor_unknown(exam, DOCTOR_INFO_PLIST, "--info-plist was not given");
        return;
    }
    bytes_init(&xml, PLIST_TREE_MAX_BYTES);
    enum status status = file_read(path, &xml, &error);
    if (status == STATUS_OK)
        status = plist_tree_parse(bytes_view(&xml), path, &tree, &error);
    if (status == STATUS_OK)
        compare_info(exam, tree);
    else
        doctor_fail(exam, DOCTOR_INFO_PLIST, "%s", error.message);
    plist_tree_free(tree);
    bytes_deinit(&xml);
}

void doctor_app(struct examination *exam)
{
    examine_profile(exam);
    examine_info(exam);
}
