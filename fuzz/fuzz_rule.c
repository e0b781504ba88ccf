/* Lines of each list format: the first byte says which one, the rest are lines. Entries lie where
 * they should, and a line is a comment or has rules. */
#include "urls/rule_adblock.h"
#include "urls/rule_dnsmasq.h"
#include "urls/rule_json.h"
#include "urls/rule_rows.h"
#include "urls/rule_rpz.h"
#include "urls/rule_urlhaus.h"
#include "urls/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct rule_adblock adblock;
    struct rule_rpz rpz;
    struct rule_rows rows;
    struct rule_urlhaus urlhaus;
    size_t rule_count; /* of the line */
};
static struct reading reading;

static enum status visit(void *context, const struct rule *rule, struct error *err)
{
    static struct url url;
    (void)context;
    (void)err;
    reading.rule_count++;
    if ((unsigned)rule->action > RULE_CANCEL_ALLOW || (unsigned)rule->reason >= DROP_REASON_COUNT ||
        (rule->differs & ~(RULE_WIDER | RULE_NARROWER)) != 0)
        abort();
    if (url_parse(rule->entry, &url) == DROP_NONE && url_key(&url).size == 0)
        abort();
    return STATUS_OK;
}

static bool read_line(uint8_t format, struct span line)
{
    enum status status = STATUS_OK;
    bool is_comment = false;
    switch (format) {
    case 'd':
        status = rule_adblock_line(&reading.adblock, line, visit, NULL, &is_comment, NULL);
        break;
    case 'e':
        status = rule_dnsmasq_line(line, visit, NULL, &is_comment, NULL);
        break;
    case 'f':
        status = rule_rpz_line(&reading.rpz, line, visit, NULL, &is_comment, NULL);
        break;
    case 'g':
        status = rule_urlhaus_csv_line(&reading.urlhaus, line, visit, NULL, &is_comment, NULL);
        break;
    case 'i':
        status = rule_rows_line(&reading.rows, line, visit, NULL, &is_comment, NULL);
        break;
    default:
        status = rule_urlhaus_text_line(line, visit, NULL, &is_comment, NULL);
        break;
    }
    if (status != STATUS_OK)
        abort();
    return is_comment;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error;
    if (size == 0 || size > LIST_LINE_MAX_BYTES)
        return 0;
    struct span rest = span_of(data + 1, size - 1);
    reading.adblock = (struct rule_adblock){0};
    reading.rpz = (struct rule_rpz){0};
    if (data[0] == '[') {
        if (rule_json_read(span_of(data, size), visit, NULL, NULL, &error) != STATUS_OK &&
            error.status != STATUS_MALFORMED)
            abort();
        return 0;
    }
    while (rest.size > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        const size_t taken = end != NULL ? (size_t)(end - rest.data) : rest.size;
        reading.rule_count = 0;
        const bool is_comment = read_line(data[0], span_part(rest, 0, taken));
        if (is_comment != (reading.rule_count == 0))
            abort();
        rest = end == NULL ? span_of(NULL, 0) : span_part(rest, taken + 1, rest.size - taken - 1);
    }
    return 0;
}
