#include "urls/list.h"

#include "base/mem.h"
#include "urls/entry_host.h"
#include "urls/public_suffix.h"
#include "urls/rule_adblock.h"
#include "urls/rule_dnsmasq.h"
#include "urls/rule_json.h"
#include "urls/rule_rows.h"
#include "urls/rule_rpz.h"
#include "urls/rule_text.h"
#include "urls/rule_urlhaus.h"

/* Of an entry in a message. */
#define ENTRY_SHOWN_BYTES ((size_t)60)

#include <inttypes.h>

struct list_parser {
    struct list_options options;
    struct list_sink sink;
    struct list_counts counts;
    const struct public_suffixes *suffixes; /* the options' or its own */
    struct public_suffixes *own_suffixes;
    const char *file;
    uint64_t line;
    bool has_adblock_header;
    struct rule_adblock adblock; /* of a list whose format is named */
    struct rule_rpz rpz;
    struct rule_rows rows;
    struct rule_urlhaus *urlhaus; /* NULL when the format does not need it */
    struct parsing_workspace *workspace;
};

enum status list_parser_new(const struct list_options *options, const struct list_sink *sink,
                            struct list_parser **ret, struct error *err)
{
    struct list_parser *parser = mem_alloc_zeroed(1, sizeof *parser);
    if (parser == NULL)
        return error_set(err, STATUS_NOMEM, "lists: out of memory");
    if (options != NULL)
        parser->options = *options;
    parser->sink = *sink;
    parser->file = "";
    enum status status = STATUS_OK;
    if (parser->options.suffixes == NULL)
        status = public_suffixes_new(&parser->own_suffixes, err);
    parser->suffixes =
        parser->options.suffixes != NULL ? parser->options.suffixes : parser->own_suffixes;
    if (status == STATUS_OK && parser->options.format == LIST_FORMAT_URLHAUS_CSV) {
        parser->urlhaus = mem_alloc(1, sizeof *parser->urlhaus);
        if (parser->urlhaus == NULL)
            status = error_set(err, STATUS_NOMEM, "lists: out of memory");
    }
    if (status == STATUS_OK)
        status = parsing_workspace_new(parser->options.parsing, &parser->workspace, err);
    if (status == STATUS_OK)
        *ret = parser;
    else
        list_parser_free(parser);
    return status;
}

void list_parser_free(struct list_parser *parser)
{
    if (parser == NULL)
        return;
    public_suffixes_free(parser->own_suffixes);
    mem_free(parser->urlhaus);
    parsing_workspace_free(parser->workspace);
    mem_free(parser);
}

void list_parser_begin(struct list_parser *parser, const char *file)
{
    list_parser_begin_inside(parser, file, false);
}

void list_parser_begin_inside(struct list_parser *parser, const char *file, bool has_adblock_header)
{
    parser->file = file;
    parser->line = 0;
    parser->has_adblock_header = has_adblock_header;
    parser->adblock = (struct rule_adblock){.reads_includes = parser->options.reads_includes};
    parser->rpz = (struct rule_rpz){0};
}

const struct list_counts *list_parser_counts(const struct list_parser *parser)
{
    return &parser->counts;
}

void list_parser_take_counts(struct list_parser *parser, struct list_counts *ret)
{
    *ret = parser->counts;
    parser->counts = (struct list_counts){0};
}

void list_counts_add(struct list_counts *sum, const struct list_counts *more)
{
    sum->lines += more->lines;
    sum->comments += more->comments;
    sum->entries += more->entries;
    sum->further += more->further;
    sum->kept += more->kept;
    sum->second_keys += more->second_keys;
    sum->exceptions += more->exceptions;
    sum->widened += more->widened;
    sum->dropped += more->dropped;
    for (size_t i = 0; i < RULE_DIFFERENCE_COUNT; i++)
        sum->differ[i] += more->differ[i];
    for (size_t i = 0; i < DROP_REASON_COUNT; i++)
        sum->dropped_for[i] += more->dropped_for[i];
}

/* ---- text ---- */

/* The line that starts at `at`, without its end. */
static struct span line_at(struct span text, size_t at)
{
    const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
    return span_part(text, at, (end != NULL ? (size_t)(end - text.data) : text.size) - at);
}

/* Of a trimmed line. */
static bool is_header(struct span line)
{
    return text_starts_with(line, "[Adblock");
}

/* ---- results ---- */

static void drop(struct list_parser *parser, struct span text, enum drop_reason reason)
{
    parser->counts.entries++;
    parser->counts.dropped++;
    parser->counts.dropped_for[reason]++;
    const struct list_place place = {.file = parser->file, .line = parser->line, .text = text};
    if (parser->sink.drop != NULL)
        parser->sink.drop(parser->sink.context, &place, reason);
}

static void count_differences(struct list_counts *counts, unsigned differs)
{
    for (size_t i = 0; i < RULE_DIFFERENCE_COUNT; i++)
        counts->differ[i] += (differs & rule_differences[i]) != 0;
}

/* What is asked of one rule. */
struct taking {
    enum rule_action action;
    struct span shown; /* as it stands in the list */
    unsigned differs;  /* its key, from what the line says */
};

/* Of an entry that is to be blocked: what it blocks by itself, and when the parsing configuration
 * makes that more, the host that is left. */
static enum drop_reason check_protected(const struct list_parser *parser,
                                        const struct parsing_keys *keys)
{
    const struct protected_hosts *hosts = parser->options.protected_hosts;
    if (hosts == NULL)
        return DROP_NONE;
    const struct span key = parsing_is_default(parser->options.parsing)
                                ? keys->keys[0]
                                : url_key(parsing_url(parser->workspace));
    const enum drop_reason reason = protected_hosts_check(hosts, key);
    return reason == DROP_NONE && keys->host.size > 0 ? protected_hosts_check(hosts, keys->host)
                                                      : reason;
}

/* The keys of one entry, or the reason why it has none. */
static enum status read_entry(struct list_parser *parser, struct span text, enum rule_action action,
                              struct parsing_keys *ret, struct error *err)
{
    const bool keeps_hosters = parser->options.keep_private_suffixes || action != RULE_BLOCK;
    *ret = (struct parsing_keys){.reason = parsing_read(parser->workspace, text)};
    if (ret->reason == DROP_NONE && text_holds(text, '*'))
        ret->reason = DROP_WILDCARD;
    if (ret->reason == DROP_NONE)
        ret->reason =
            entry_host_check(parsing_url(parser->workspace), parser->suffixes, keeps_hosters);
    if (ret->reason != DROP_NONE)
        return STATUS_OK;
    const enum status status =
        parsing_keys(parser->workspace, parser->options.keep_parsing_parts, ret, err);
    if (status != STATUS_OK)
        return error_prefix(err, status, "%.*s",
                            (int)(text.size < ENTRY_SHOWN_BYTES ? text.size : ENTRY_SHOWN_BYTES),
                            (const char *)text.data);
    if (ret->reason == DROP_NONE && ret->host.size > 0 && action == RULE_BLOCK &&
        !parsing_url(parser->workspace)->is_address)
        ret->reason = entry_host_check_suffix(ret->host, parser->suffixes, keeps_hosters);
    if (ret->reason == DROP_NONE && action == RULE_BLOCK)
        ret->reason = check_protected(parser, ret);
    return STATUS_OK;
}

/* One entry, without blanks around it. */
static enum status take_rule_entry(struct list_parser *parser, struct span text,
                                   const struct taking *taking, struct error *err)
{
    enum rule_action action = taking->action;
    if (action == RULE_BLOCK && parser->options.is_allow_list)
        action = RULE_ALLOW;
    bool is_kept = true;
    enum status status = STATUS_OK;
    struct parsing_keys keys = {.reason = DROP_FILTERED};
    if (parser->sink.keeps != NULL)
        status = parser->sink.keeps(parser->sink.context, taking->shown, &is_kept, err);
    if (status == STATUS_OK && is_kept)
        status = read_entry(parser, text, action, &keys, err);
    if (status != STATUS_OK)
        return status;
    if (keys.reason != DROP_NONE) {
        drop(parser, text, keys.reason);
        return STATUS_OK;
    }
    for (size_t i = 0; i < keys.count && status == STATUS_OK; i++) {
        const struct list_key key = {.text = keys.keys[i], .action = action, .line = parser->line};
        status = parser->sink.key(parser->sink.context, &key, err);
    }
    if (status != STATUS_OK)
        return status;
    parser->counts.entries++;
    parser->counts.kept++;
    parser->counts.second_keys += action == RULE_BLOCK && keys.count > 1;
    parser->counts.exceptions += action != RULE_BLOCK;
    if (taking->differs != 0)
        count_differences(&parser->counts, taking->differs);
    if ((taking->differs & RULE_WIDER) != 0 || keys.is_wider) {
        const struct list_place place = {.file = parser->file, .line = parser->line, .text = text};
        parser->counts.widened++;
        if (parser->sink.widen != NULL)
            parser->sink.widen(parser->sink.context, &place, keys.keys[0]);
    }
    return STATUS_OK;
}

static enum status take_entry(struct list_parser *parser, struct span text, struct error *err)
{
    const struct taking taking = {.action = RULE_BLOCK, .shown = text};
    return take_rule_entry(parser, text, &taking, err);
}

/* ---- kinds of lines ---- */

static enum status take_hosts_line(struct list_parser *parser, struct span names,
                                   enum rule_address kind, struct error *err)
{
    for (;;) {
        const struct span name = text_take_word(&names);
        if (name.size == 0)
            return STATUS_OK;
        if (kind == RULE_ADDRESS_REAL && !entry_host_is_local(name)) {
            drop(parser, name, DROP_HOSTS_ADDRESS);
        } else if (text_holds(name, '/') || text_holds(name, ':') || text_holds(name, '?')) {
            drop(parser, name, DROP_HOST_CHARACTER);
        } else {
            const enum status status = take_entry(parser, name, err);
            if (status != STATUS_OK)
                return status;
        }
    }
}

/* The differences between a rule and its key that are taken; a wider one is reported. */
#define DIFFERENCES_TAKEN (RULE_WIDER_FOLDER | RULE_NARROWER_QUERY)

/* Where a rule comes from. */
struct rule_line {
    struct list_parser *parser;
    struct span line; /* when it is shown whole; data NULL = the rule's entry is shown */
    unsigned differences_taken;
    uint64_t item; /* of a JSON array */
};

static bool takes_action(const struct list_parser *parser, enum rule_action action)
{
    switch (action) {
    case RULE_BLOCK:
        return true;
    case RULE_ALLOW:
    case RULE_CANCEL:
        return parser->options.takes_exceptions;
    case RULE_CANCEL_ALLOW: /* so rare that the exception stays */
        break;
    }
    return false;
}

static enum status take_rule(void *context, const struct rule *rule, struct error *err)
{
    const struct rule_line *place = context;
    const struct taking taking = {.action = rule->action,
                                  .shown = place->line.data != NULL ? place->line : rule->entry,
                                  .differs = rule->differs};
    const unsigned taken = place->differences_taken |
                           (rule->action == RULE_BLOCK ? place->parser->options.accepts : 0);
    enum drop_reason reason = rule->reason;
    if (reason == DROP_NONE && !takes_action(place->parser, rule->action))
        reason = DROP_EXCEPTION;
    if (reason == DROP_NONE)
        reason = rule_refusal(rule->differs & ~taken);
    if (reason != DROP_NONE) {
        drop(place->parser, taking.shown, reason);
        return STATUS_OK;
    }
    return take_rule_entry(place->parser, rule->entry, &taking, err);
}

static enum status take_adblock_line(struct list_parser *parser, struct span line,
                                     struct error *err)
{
    struct rule_adblock state = {.has_header = parser->has_adblock_header};
    struct rule_line place = {
        .parser = parser, .line = line, .differences_taken = DIFFERENCES_TAKEN};
    bool is_comment;
    const enum status status = rule_adblock_line(&state, line, take_rule, &place, &is_comment, err);
    if (is_comment)
        parser->counts.comments++;
    return status;
}

/* Whether a line can only be of a filter list. */
static bool is_adblock_line(const struct list_parser *parser, struct span line)
{
    return parser->has_adblock_header || line.data[0] == '|' || line.data[0] == '/' ||
           text_starts_with(line, "@@") || (text_holds(line, '#') && rule_adblock_is_element(line));
}

/* Cuts " # comment" off. */
static struct span without_comment(struct span line)
{
    for (size_t i = 1; i < line.size; i++) {
        if (line.data[i] == '#' && text_is_blank(line.data[i - 1])) {
            line.size = i;
            return text_trim(line);
        }
    }
    return line;
}

/* A line that may hold entry and comment, but no rule. */
static enum status take_plain_line(struct list_parser *parser, struct span line, struct error *err)
{
    line = without_comment(line);
    if (text_holds(line, ' ') || text_holds(line, '\t')) {
        drop(parser, line, DROP_WHITE_SPACE);
        return STATUS_OK;
    }
    return take_entry(parser, line, err);
}

static enum status take_line(struct list_parser *parser, struct span line, struct error *err)
{
    if (is_adblock_line(parser, line))
        return take_adblock_line(parser, line, err);
    struct span names = line;
    const struct span word = text_take_word(&names);
    if (word.size < line.size) {
        const enum rule_address kind = rule_address_kind(word);
        names = text_trim(span_part(names, 0, text_find(names, '#')));
        if (kind != RULE_ADDRESS_NONE && names.size > 0)
            return take_hosts_line(parser, names, kind, err);
        return take_plain_line(parser, line, err);
    }
    return take_entry(parser, line, err);
}

/* ---- lists whose format is named ---- */

static enum status take_named_hosts_line(struct list_parser *parser, struct span line,
                                         struct error *err)
{
    struct span names = line;
    const enum rule_address kind = rule_address_kind(text_take_word(&names));
    names = text_trim(span_part(names, 0, text_find(names, '#')));
    if (kind == RULE_ADDRESS_NONE || names.size == 0) {
        drop(parser, line, DROP_FORMAT);
        return STATUS_OK;
    }
    return take_hosts_line(parser, names, kind, err);
}

/* Lines that a reader of urls/rule_*.h knows. */
static enum status take_rule_line(struct list_parser *parser, struct span line,
                                  bool *ret_is_comment, struct error *err)
{
    struct rule_line place = {.parser = parser, .differences_taken = DIFFERENCES_TAKEN};
    switch (parser->options.format) {
    case LIST_FORMAT_ADBLOCK:
        place.line = text_trim(line);
        return rule_adblock_line(&parser->adblock, line, take_rule, &place, ret_is_comment, err);
    case LIST_FORMAT_DNSMASQ:
        return rule_dnsmasq_line(line, take_rule, &place, ret_is_comment, err);
    case LIST_FORMAT_RPZ:
        return rule_rpz_line(&parser->rpz, line, take_rule, &place, ret_is_comment, err);
    case LIST_FORMAT_URLHAUS_CSV:
        place.differences_taken |= RULE_WIDER_DEEPER;
        return rule_urlhaus_csv_line(parser->urlhaus, line, take_rule, &place, ret_is_comment, err);
    case LIST_FORMAT_URLHAUS_TEXT:
        place.differences_taken |= RULE_WIDER_DEEPER;
        return rule_urlhaus_text_line(line, take_rule, &place, ret_is_comment, err);
    case LIST_FORMAT_ROWS:
        return rule_rows_line(&parser->rows, line, take_rule, &place, ret_is_comment, err);
    case LIST_FORMAT_AUTO:
    case LIST_FORMAT_PLAIN:
    case LIST_FORMAT_HOSTS:
    case LIST_FORMAT_JSON:
    case LIST_FORMAT_COUNT:
        break;
    }
    return error_set(err, STATUS_INTERNAL, "lists: a format without lines");
}

static enum status take_named_line(struct list_parser *parser, struct span line, struct error *err)
{
    const enum list_format format = parser->options.format;
    bool is_comment = false;
    enum status status = STATUS_OK;
    if (format == LIST_FORMAT_PLAIN || format == LIST_FORMAT_HOSTS) {
        line = text_trim(line);
        is_comment = line.size == 0 || line.data[0] == '#' || line.data[0] == '!';
        if (!is_comment)
            status = format == LIST_FORMAT_PLAIN ? take_plain_line(parser, line, err)
                                                 : take_named_hosts_line(parser, line, err);
    } else {
        status = take_rule_line(parser, line, &is_comment, err);
    }
    parser->counts.comments += is_comment;
    return status;
}

static enum status take_item(void *context, const struct rule *rule, struct error *err)
{
    struct rule_line *place = context;
    place->parser->line = place->item;
    place->parser->counts.lines++;
    const enum status status = take_rule(place, rule, err);
    return status == STATUS_OK ? status : error_prefix(err, status, "item %" PRIu64, place->item);
}

static enum status take_array(struct list_parser *parser, struct span text, struct error *err)
{
    struct rule_line place = {.parser = parser,
                              .differences_taken = DIFFERENCES_TAKEN | RULE_WIDER_DEEPER};
    return rule_json_read(text, take_item, &place, &place.item, err);
}

static enum status take_any_line(struct list_parser *parser, struct span line, struct error *err)
{
    if (line.size > LIST_LINE_MAX_BYTES) {
        drop(parser, span_part(line, 0, LIST_LINE_MAX_BYTES), DROP_LINE_TOO_LONG);
        return STATUS_OK;
    }
    if (parser->options.format != LIST_FORMAT_AUTO)
        return take_named_line(parser, line, err);
    line = text_trim(line);
    const bool header = is_header(line);
    if (header)
        parser->has_adblock_header = true;
    const bool is_comment = line.size == 0 || line.data[0] == '!' ||
                            (line.data[0] == '#' && !parser->has_adblock_header);
    struct span name;
    if (is_comment && !parser->options.reads_includes && rule_adblock_include(line, &name)) {
        drop(parser, line, DROP_INCLUDE);
        return STATUS_OK;
    }
    if (is_comment || header) {
        parser->counts.comments++;
        return STATUS_OK;
    }
    return take_line(parser, line, err);
}

enum status list_parser_line(struct list_parser *parser, struct span line, struct error *err)
{
    const uint64_t entries = parser->counts.entries;
    parser->counts.lines++;
    parser->line++;
    const enum status status = take_any_line(parser, line, err);
    if (parser->counts.entries > entries + 1)
        parser->counts.further += parser->counts.entries - entries - 1;
    return status;
}

enum status list_parser_text(struct list_parser *parser, struct span text, struct error *err)
{
    enum status status = STATUS_OK;
    if (parser->options.format == LIST_FORMAT_JSON)
        return take_array(parser, text, err);
    for (size_t at = 0; at < text.size && status == STATUS_OK;) {
        const struct span line = line_at(text, at);
        status = list_parser_line(parser, line, err);
        at += line.size + 1;
    }
    return status == STATUS_OK ? status : error_prefix(err, status, "line %" PRIu64, parser->line);
}

bool list_holds_adblock_header(struct span text)
{
    for (size_t at = 0; at < text.size; at++) {
        const uint8_t *bracket = memchr(text.data + at, '[', text.size - at);
        if (bracket == NULL)
            return false;
        at = (size_t)(bracket - text.data);
        size_t start = at;
        while (start > 0 && text_is_blank(text.data[start - 1]))
            start--;
        if ((start == 0 || text.data[start - 1] == '\n') &&
            is_header(text_trim(line_at(text, start))) &&
            line_at(text, start).size <= LIST_LINE_MAX_BYTES)
            return true;
    }
    return false;
}
