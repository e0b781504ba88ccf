/* The lists that Debian packages with uBlock Origin, through `blindlist update` to a published
 * version: EasyList, EasyPrivacy, uBlock Origin's own filters, urlhaus-filter. */
#include "bench/bench.h"

#include "base/bytes.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "bench/command_process.h"

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS       9
#define TEXT_BYTES 4096
#define ASSETS     "/usr/share/mozilla/extensions/*/uBlock0@raymondhill.net/assets/"

static const char *const lists[] = {
    "thirdparties/easylist/easylist.txt",
    "thirdparties/easylist/easyprivacy.txt",
    "thirdparties/urlhaus-filter/urlhaus-filter-online.txt",
    "ublock/badware.min.txt",
    "ublock/filters.min.txt",
    "ublock/privacy.min.txt",
    "ublock/quick-fixes.min.txt",
    "ublock/unbreak.min.txt",
};

struct state {
    char folder[64];
    char data[96];
    char config[96];
    char summary[96]; /* what update printed last */
    char program[COMMAND_PATH_BYTES];
};

/* Writes lists.json; false when the lists are not here. */
static bool write_config(const struct state *state)
{
    struct bytes text;
    struct error error;
    bytes_init(&text, (size_t)1 << 16);
    bytes_append_text(&text, "{\"useCase\": \"bench.lists\", \"sources\": [");
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        char pattern[TEXT_BYTES];
        glob_t found;
        snprintf(pattern, sizeof pattern, ASSETS "%s", lists[i]);
        if (glob(pattern, 0, NULL, &found) != 0)
            return false;
        bytes_append_format(&text,
                            "%s{\"id\": \"list%zu\", \"format\": \"adblock\", \"file\": \"%s\"}",
                            i > 0 ? ", " : "", i, found.gl_pathv[0]);
        globfree(&found);
    }
    bytes_append_text(&text, "]}");
    if (bytes_status(&text, "lists.json", &error) != STATUS_OK ||
        file_write(state->config, FILE_MODE_PUBLIC, bytes_view(&text), &error) != STATUS_OK)
        bench_fail("%s", error.message);
    bytes_deinit(&text);
    return true;
}

static void measure(const struct state *state, const char *what, bool is_anew)
{
    const char *const words[] = {state->program, "update", state->config, "--data",
                                 state->data,    "--json", NULL};
    struct command_series series = {0};
    for (size_t i = 0; i < RUNS; i++) {
        if (is_anew)
            folder_remove(state->data);
        command_process_run(words, state->summary, state->folder, &series);
    }
    json_t *told = json_load_file(state->summary, 0, NULL);
    const json_t *counts = json_object_get(told, "lists");
    printf("%s lists=%zu lines=%lld rows=%lld threads=%zu median_ms=%.0f min_ms=%.0f runs=%d "
           "max_rss_mb=%.0f\n",
           what, ARRAY_COUNT(lists), json_integer_value(json_object_get(counts, "lines")),
           json_integer_value(json_object_get(told, "rows")), cpu_core_count(),
           (double)command_series_median_ns(&series) / 1e6, (double)series.took_ns[0] / 1e6, RUNS,
           (double)series.most_bytes / 1e6);
    fflush(stdout);
    json_decref(told);
}

int main(int argc, char **argv)
{
    (void)argc;
    struct state state = {.folder = "/tmp/bench_lists.XXXXXX"};
    command_process_find(argv[0], "blindlist", state.program);
    if (mkdtemp(state.folder) == NULL)
        bench_fail("%s: cannot be made", state.folder);
    snprintf(state.data, sizeof state.data, "%s/data", state.folder);
    snprintf(state.config, sizeof state.config, "%s/lists.json", state.folder);
    snprintf(state.summary, sizeof state.summary, "%s/summary", state.folder);
    if (write_config(&state)) {
        measure(&state, "update_lists", true);
        measure(&state, "update_lists_unchanged", false);
    } else {
        printf("# update_lists needs the Debian package webext-ublock-origin-firefox\n");
    }
    folder_remove(state.folder);
    return 0;
}
