/* Questions, as a device asks them: the key is kept, rows are found, every shard answers. */
#include "base/line_reader.h"
#include "pir-server/dataset/dataset.h"
#include "tools/device/device.h"
#include "tools/doctor/doctor_internal.h"

#include <stdio.h>

/* Of a server with more shards, and of a file with more keys, as many are asked. */
#define SHARDS_ASKED_MAX ((size_t)16)
#define ROWS_ASKED_MAX   ((uint64_t)16)
#define KEY_MAX_BYTES    1024

static void examine_survival(struct examination *exam, struct device *device)
{
    bool is_stored = false;
    struct error error;
    if (device_key_is_stored(device, &is_stored, &error) != STATUS_OK)
        doctor_fail(exam, DOCTOR_KEY_SURVIVES, "%s", error.message);
    else if (!is_stored)
        doctor_fail(exam, DOCTOR_KEY_SURVIVES, "/config says that there is none");
    else
        doctor_pass(exam, DOCTOR_KEY_SURVIVES, "/config says when it was made");
}

static void examine_test_row(struct examination *exam, struct device *device)
{
    bool is_found = false;
    struct error error;
    if (!doctor_may(exam, DOCTOR_TEST_ROW))
        return;
    if (device_query(device, DATASET_TEST_ROW, &is_found, &error) != STATUS_OK)
        doctor_fail(exam, DOCTOR_TEST_ROW, "%s", error.message);
    else if (!is_found)
        doctor_fail(exam, DOCTOR_TEST_ROW, "it is not found");
    else
        doctor_pass(exam, DOCTOR_TEST_ROW, "it is found");
}

/* Asks a shard about a key that nobody lists. False: it fails. */
static bool ask_shard(struct examination *exam, struct device *device, size_t shard,
                      const char *key)
{
    const size_t count = device_shard_count(device);
    struct error error;
    bool is_found = false;
    const enum status status = device_query(device, key, &is_found, &error);
    if (status != STATUS_OK)
        doctor_fail(exam, DOCTOR_SHARDS, "shard %zu of %zu: %s", shard, count, error.message);
    else if (is_found)
        doctor_fail(exam, DOCTOR_SHARDS, "shard %zu of %zu finds a name that nobody lists", shard,
                    count);
    return status == STATUS_OK && !is_found;
}

/* Asks for keys that nobody lists until enough shards have answered. */
static void examine_shards(struct examination *exam, struct device *device)
{
    const size_t count = device_shard_count(device);
    const size_t wanted = count < SHARDS_ASKED_MAX ? count : SHARDS_ASKED_MAX;
    size_t asked[SHARDS_ASKED_MAX];
    size_t asked_count = 0;
    char key[KEY_MAX_BYTES];
    struct error error;
    if (!doctor_may(exam, DOCTOR_SHARDS))
        return;
    for (unsigned i = 0; asked_count < wanted; i++) {
        size_t shard;
        bool is_known = false;
        snprintf(key, sizeof key, "%u." DOCTOR_UNLISTED_KEY, i);
        if (device_shard_of(device, key, &shard, &error) != STATUS_OK) {
            doctor_fail(exam, DOCTOR_SHARDS, "%s", error.message);
            return;
        }
        for (size_t k = 0; k < asked_count; k++)
            is_known = is_known || asked[k] == shard;
        if (is_known)
            continue;
        asked[asked_count++] = shard;
        if (!ask_shard(exam, device, shard, key))
            return;
    }
    doctor_pass(exam, DOCTOR_SHARDS, "%zu of %zu asked", wanted, count);
}

/* Calls for up to ROWS_ASKED_MAX lines, evenly spread; `count` is the number of all. */
static enum status ask_rows(const char *path, uint64_t count, struct device *device,
                            uint64_t *ret_asked, uint64_t *ret_missing, struct error *err)
{
    struct line_reader *lines = NULL;
    struct line line;
    bool has_line = true;
    const uint64_t step = count > ROWS_ASKED_MAX ? count / ROWS_ASKED_MAX : 1;
    *ret_asked = 0;
    *ret_missing = 0;
    enum status status = line_reader_open(path, &lines, err);
    while (status == STATUS_OK && *ret_asked < ROWS_ASKED_MAX) {
        status = line_reader_next(lines, &line, &has_line, err);
        if (status != STATUS_OK || !has_line)
            break;
        if (line.number % step != 0 || line.text.size == 0 || line.text.size >= KEY_MAX_BYTES)
            continue;
        char key[KEY_MAX_BYTES];
        bool is_found = false;
        snprintf(key, sizeof key, "%.*s", (int)line.text.size, (const char *)line.text.data);
        status = device_query(device, key, &is_found, err);
        *ret_asked += 1;
        *ret_missing += is_found ? 0 : 1;
    }
    line_reader_close(lines);
    return status;
}

static enum status count_lines(const char *path, uint64_t *ret, struct error *err)
{
    struct line_reader *lines = NULL;
    struct line line = {.number = 0};
    bool has_line = true;
    enum status status = line_reader_open(path, &lines, err);
    while (status == STATUS_OK && has_line) {
        *ret = line.number;
        status = line_reader_next(lines, &line, &has_line, err);
    }
    line_reader_close(lines);
    return status;
}

static void examine_rows(struct examination *exam, struct device *device)
{
    const char *path = exam->options->keys_path;
    uint64_t count = 0;
    uint64_t asked = 0;
    uint64_t missing = 0;
    struct error error;
    if (!doctor_may(exam, DOCTOR_ROWS))
        return;
    if (path == NULL) {
        doctor_unknown(exam, DOCTOR_ROWS, "--keys was not given");
        return;
    }
    enum status status = count_lines(path, &count, &error);
    if (status == STATUS_OK)
        status = ask_rows(path, count, device, &asked, &missing, &error);
    if (status != STATUS_OK)
        doctor_fail(exam, DOCTOR_ROWS, "%s", error.message);
    else if (missing > 0)
        doctor_fail(exam, DOCTOR_ROWS, "%llu of %llu are not found", (unsigned long long)missing,
                    (unsigned long long)asked);
    else
        doctor_pass(exam, DOCTOR_ROWS, "%llu asked, all found", (unsigned long long)asked);
}

static void examine_inline_key(struct examination *exam)
{
    struct device *device = NULL;
    struct error error;
    bool is_found = false;
    if (!doctor_may(exam, DOCTOR_INLINE_KEY))
        return;
    enum status status = doctor_open_device(exam, "ios27.3", NULL, &device, &error);
    if (status == STATUS_OK)
        status = device_query(device, DATASET_TEST_ROW, &is_found, &error);
    device_close(device);
    if (status != STATUS_OK)
        doctor_fail(exam, DOCTOR_INLINE_KEY, "%s", error.message);
    else if (!is_found)
        doctor_fail(exam, DOCTOR_INLINE_KEY, "the test row is not found");
    else
        doctor_pass(exam, DOCTOR_INLINE_KEY, "it is answered");
}

void doctor_queries(struct examination *exam)
{
    struct device *device = NULL;
    struct error error;
    if (!doctor_may(exam, DOCTOR_KEY_UPLOAD) || !doctor_has_passed(exam, DOCTOR_BITS))
        return;
    if (!exam->is_open && !doctor_has_passed(exam, DOCTOR_TOKEN_REDEEM)) {
        doctor_unknown(exam, DOCTOR_KEY_UPLOAD, "no token to pay with");
        return;
    }
    if (doctor_open_device(exam, "ios26", NULL, &device, &error) != STATUS_OK) {
        /* Configuration and prefilter were had just now: it is the key. */
        doctor_fail(exam, DOCTOR_KEY_UPLOAD, "%s", error.message);
        return;
    }
    doctor_pass(exam, DOCTOR_KEY_UPLOAD, "it is taken");
    examine_survival(exam, device);
    examine_test_row(exam, device);
    examine_shards(exam, device);
    examine_rows(exam, device);
    examine_inline_key(exam);
    device_close(device);
}
