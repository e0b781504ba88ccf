#include "pir-server/service/exposition.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>

#define MICROSECONDS ((uint64_t)1000000)

void exposition_family(struct bytes *out, const char *name, enum exposition_type type,
                       const char *help)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    bytes_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

static void append_escaped(struct bytes *out, const char *text)
{
    struct span left = span_of_text(text);
    while (left.size > 0) {
        const uint8_t first = left.data[0];
        const size_t size = utf8_character_bytes(left);
        if (first == '\\' || first == '"')
            bytes_append_u8(out, '\\');
        if (first == '\n')
            bytes_append_text(out, "\\n");
        else if (size == 0)
            bytes_append_u8(out, '?');
        else
            bytes_append(out, span_part(left, 0, size));
        const size_t taken = size > 0 ? size : 1;
        left = span_part(left, taken, left.size - taken);
    }
}

/* `bound`: the label "le" behind the others; NULL = none. */
static void append_name(struct bytes *out, const char *name, const char *suffix,
                        const struct exposition_label *labels, size_t label_count,
                        const char *bound)
{
    bytes_append_format(out, "%s%s", name, suffix);
    for (size_t i = 0; i < label_count; i++) {
        bytes_append_format(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        append_escaped(out, labels[i].value);
        bytes_append_text(out, "\"");
    }
    if (bound != NULL)
        bytes_append_format(out, "%sle=\"%s\"", label_count == 0 ? "{" : ",", bound);
    bytes_append_text(out, label_count > 0 || bound != NULL ? "} " : " ");
}

void exposition_count(struct bytes *out, const char *name, const struct exposition_label *labels,
                      size_t label_count, uint64_t value)
{
    append_name(out, name, "", labels, label_count, NULL);
    bytes_append_format(out, "%" PRIu64 "\n", value);
}

void exposition_single(struct bytes *out, const char *name, enum exposition_type type,
                       const char *help, uint64_t value)
{
    exposition_family(out, name, type, help);
    exposition_count(out, name, NULL, 0, value);
}

void exposition_value(struct bytes *out, const char *name, const struct exposition_label *labels,
                      size_t label_count, double value)
{
    append_name(out, name, "", labels, label_count, NULL);
    bytes_append_format(out, "%.15g\n", value);
}

void exposition_histogram(struct bytes *out, const char *name,
                          const struct exposition_label *labels, size_t label_count,
                          const struct histogram_figures *figures)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < HISTOGRAM_CLASSES; i++) {
        char bound[32] = "+Inf";
        if (i < HISTOGRAM_BOUNDS)
            snprintf(bound, sizeof bound, "%g",
                     (double)histogram_bounds_us[i] / (double)MICROSECONDS);
        sum += figures->classes[i];
        append_name(out, name, "_bucket", labels, label_count, bound);
        bytes_append_format(out, "%" PRIu64 "\n", sum);
    }
    append_name(out, name, "_sum", labels, label_count, NULL);
    bytes_append_format(out, "%" PRIu64 ".%06" PRIu64 "\n", figures->sum_us / MICROSECONDS,
                        figures->sum_us % MICROSECONDS);
    append_name(out, name, "_count", labels, label_count, NULL);
    bytes_append_format(out, "%" PRIu64 "\n", figures->count);
}
