/* The check behind a running server, with its real thread: what it says, and how soon it ends. */
#include "pir-server/service/digest_check.h"

#include "tests/patience.h"
#include "tests/pir-server/dataset/dataset_help.h"
#include "tests/pir-server/service/service_fixture.h"
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OTHER_USE_CASE "z.other"
/* A file with a hole of this size: reading it takes many times the patience of a test. */
#define ENDLESS_BYTES ((off_t)1 << 43)

static struct service_fixture fixture;
static struct context_registry *registry;
static struct log logger = {.least = LOG_DEBUG};

static const struct app_set *load(const struct app_set *old)
{
    const struct app_source source = {
        .catalogs = {.data = fixture.data, .registry = registry, .now_s = 1800000000}};
    const struct app_config everything = app_config_default();
    const struct app_list *list = NULL;
    const struct app_set *set = NULL;
    size_t failed = 0;
    struct error error;
    enum status status = app_list_new(&everything, 1, &list, &error);
    if (status == STATUS_OK)
        status = app_set_load(&source, list, old, true, &set, &failed, &error);
    app_list_unref(list);
    if (status != STATUS_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    return set;
}

static unsigned count_said(const char *words)
{
    static char text[65536];
    const ssize_t got = pread(logger.fd, text, sizeof text - 1, 0);
    unsigned count = 0;
    text[got > 0 ? got : 0] = '\0';
    for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words))
        count++;
    return count;
}

static bool says(const char *words, unsigned times)
{
    const struct patience patience = patience_begin();
    while (count_said(words) < times && patience_lasts(&patience))
        ;
    return count_said(words) == times;
}

static void path_in_force(const char *use_case, const char *name, char ret[300])
{
    snprintf(ret, 300, "%s/%s/current/%s", fixture.data, use_case, name);
}

static void start_log(void)
{
    char path[] = "/tmp/plain_digest_check.XXXXXX";
    logger.fd = mkstemp(path);
    if (logger.fd < 0)
        abort();
    unlink(path);
}

int main(void)
{
    struct error error;
    struct digest_check *check = NULL;
    start_log();
    fixture_init(&fixture);
    fixture_compile(&fixture, OTHER_USE_CASE, "other", 100, 1);
    if (context_registry_new(0, &registry, &error) != STATUS_OK)
        abort();
    const struct app_set *set = load(NULL);

    TAP_CHECK(digest_check_new(&logger, &check, &error) == STATUS_OK, "a check is made");
    digest_check_start(check, set);
    TAP_CHECK(says("digests are right", 2), "each use case is read");
    digest_check_start(check, set);
    digest_check_free(check);
    TAP_CHECK(count_said("digests are right") == 2, "and none of them twice");

    char path[300];
    path_in_force(FIXTURE_USE_CASE, "prefilter.bloom", path);
    if (truncate(path, ENDLESS_BYTES) != 0)
        abort();
    const struct patience patience = patience_begin();
    if (digest_check_new(&logger, &check, &error) != STATUS_OK)
        abort();
    digest_check_start(check, set);
    patience_sleep_ms(50);
    digest_check_free(check);
    TAP_CHECK(patience_lasts(&patience), "the end breaks off what is under way");

    if (digest_check_new(&logger, &check, &error) != STATUS_OK)
        abort();
    digest_check_start(check, set);
    patience_sleep_ms(50);
    fixture_compile(&fixture, FIXTURE_USE_CASE, "newer", 400, 2);
    const struct app_set *newer = load(set);
    digest_check_start(check, newer);
    TAP_CHECK(says("digests are right", 4), "a newer set is read instead of it");
    TAP_CHECK(count_said("damaged") == 0 && count_said("not compared") == 0,
              "what was broken off is not judged");

    path_in_force(OTHER_USE_CASE, "", path);
    damage_file(path, "rows.txt", "?");
    const struct app_set *damaged = load(NULL);
    digest_check_start(check, damaged);
    TAP_CHECK(says("use_case=" OTHER_USE_CASE, 3) && count_said("rows.txt: is not what") == 1,
              "a changed file is named, with its use case");
    TAP_CHECK(says("digests are right", 5), "and the others are read all the same");
    digest_check_free(check);
    digest_check_free(NULL);
    digest_check_start(NULL, set);

    app_set_unref(damaged);
    app_set_unref(newer);
    app_set_unref(set);
    context_registry_free(registry);
    fixture_deinit(&fixture);
    close(logger.fd);
    return tap_finish();
}
