/* Ten million plain lines, half hosts and half URLs, through `blindlist update` to a published
 * version: from fork() to its end, flushed. */
#include "bench/bench.h"

#include "base/cpu.h"
#include "base/file.h"
#include "bench/command_process.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define LINES      UINT64_C(10000000)
#define TEXT_BYTES 256

static void write_lines(const char *path)
{
    struct file_writer *writer = NULL;
    struct error error;
    if (file_writer_new(path, FILE_MODE_PUBLIC, &writer, &error) != STATUS_OK)
        bench_fail("%s", error.message);
    for (uint64_t i = 0; i < LINES; i++) {
        /* Out of order: a permutation, since 7919 and LINES have no common factor. */
        const unsigned long long number = i * UINT64_C(7919) % LINES;
        char line[TEXT_BYTES];
        const int size =
            i % 2 == 0 ? snprintf(line, sizeof line, "ads.example-%llu.com\n", number)
                       : snprintf(line, sizeof line, "https://example-%llu.org/a/b.html\n", number);
        file_writer_write(writer, span_of(line, (size_t)size));
    }
    if (file_writer_commit(writer, &error) != STATUS_OK)
        bench_fail("%s", error.message);
}

int main(int argc, char **argv)
{
    static const char config_text[] =
        "{\"useCase\": \"bench.lines\", \"sources\": [{\"id\": \"lines\", \"file\": \"lines.txt\", "
        "\"maxBytes\": \"1GB\"}]}";
    char folder[] = "/tmp/bench_lines.XXXXXX";
    char lines[TEXT_BYTES];
    char config[TEXT_BYTES];
    char data[TEXT_BYTES];
    char summary[TEXT_BYTES];
    char program[COMMAND_PATH_BYTES];
    struct command_series series = {0};
    struct error error;
    (void)argc;
    command_process_find(argv[0], "blindlist", program);
    if (mkdtemp(folder) == NULL)
        bench_fail("%s: cannot be made", folder);
    snprintf(lines, sizeof lines, "%s/lines.txt", folder);
    snprintf(config, sizeof config, "%s/lists.json", folder);
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(summary, sizeof summary, "%s/summary", folder);
    write_lines(lines);
    if (file_write(config, FILE_MODE_PUBLIC, span_of_text(config_text), &error) != STATUS_OK)
        bench_fail("%s", error.message);
    const char *const words[] = {program, "update", config, "--data", data, "--json", NULL};
    command_process_run(words, summary, folder, &series);
    json_t *told = json_load_file(summary, 0, NULL);
    printf("update_lines lines=%lld rows=%lld threads=%zu once_ms=%.0f max_rss_mb=%.0f\n",
           json_integer_value(json_object_get(json_object_get(told, "lists"), "lines")),
           json_integer_value(json_object_get(told, "rows")), cpu_core_count(),
           (double)series.took_ns[0] / 1e6, (double)series.most_bytes / 1e6);
    json_decref(told);
    folder_remove(folder);
    return 0;
}
