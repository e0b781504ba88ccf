/* xml_input reads; this file keeps the values that are open, from outermost to innermost. */
#include "bloom/formats/plist_tree.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "bloom/formats/xml_input.h"

#include <errno.h>
#include <stdlib.h>

struct plist_tree {
    struct plist_value *root;
};

struct open_value {
    struct plist_value *value;
    struct plist_value *last; /* child */
    char *key;                /* waits for its value */
};

struct parse {
    struct xml_input input; /* first */
    struct plist_tree *tree;
    struct open_value open[PLIST_TREE_MAX_DEPTH];
    size_t depth;
    size_t value_count;
    bool in_plist;
    bool is_over;                /* behind </plist> */
    bool in_key;                 /* inside <key> */
    struct plist_value *in_text; /* whose text comes; NULL = none */
    struct bytes text;
};

static const struct {
    const char *element;
    enum plist_type type;
    const char *text; /* of an element that stands for a value by itself */
} elements[] = {
    {"dict", PLIST_DICT, NULL},        {"array", PLIST_ARRAY, NULL},
    {"string", PLIST_STRING, NULL},    {"integer", PLIST_INTEGER, NULL},
    {"real", PLIST_REAL, NULL},        {"date", PLIST_DATE, NULL},
    {"data", PLIST_DATA, NULL},        {"true", PLIST_BOOLEAN, "true"},
    {"false", PLIST_BOOLEAN, "false"},
};

const char *plist_type_name(enum plist_type type)
{
    if (type == PLIST_BOOLEAN)
        return "boolean";
    for (size_t i = 0; i < ARRAY_COUNT(elements); i++) {
        if (elements[i].type == type)
            return elements[i].element;
    }
    return "value";
}

static bool is_container(const struct plist_value *value)
{
    return value->type == PLIST_DICT || value->type == PLIST_ARRAY;
}

/* ---- values ---- */

/* Where a value may stand: its key is taken over. False when it may not. */
static bool place(struct parse *parse, struct plist_value *value)
{
    if (parse->depth == 0) {
        if (!parse->in_plist || parse->is_over || parse->tree->root != NULL)
            return false;
        parse->tree->root = value;
        return true;
    }
    struct open_value *parent = &parse->open[parse->depth - 1];
    if (parent->value->type == PLIST_DICT && parent->key == NULL)
        return false;
    value->key = parent->key;
    parent->key = NULL;
    if (parent->last == NULL)
        parent->value->first = value;
    else
        parent->last->next = value;
    parent->last = value;
    return true;
}

static void begin_value(struct parse *parse, enum plist_type type, const char *text)
{
    if (++parse->value_count > PLIST_TREE_MAX_VALUES) {
        xml_input_refuse(&parse->input, STATUS_TOO_LARGE, "more than %d values",
                         PLIST_TREE_MAX_VALUES);
        return;
    }
    struct plist_value *value = mem_alloc_zeroed(1, sizeof *value);
    if (value == NULL) {
        xml_input_refuse(&parse->input, STATUS_NOMEM, "out of memory");
        return;
    }
    value->type = type;
    value->line = xml_input_line(&parse->input);
    if (!place(parse, value)) {
        mem_free(value);
        xml_input_refuse(&parse->input, STATUS_MALFORMED, "<%s> where no value may stand",
                         plist_type_name(type));
        return;
    }
    if (text != NULL) {
        value->text = mem_strdup(text);
        if (value->text == NULL)
            xml_input_refuse(&parse->input, STATUS_NOMEM, "out of memory");
    } else if (!is_container(value)) {
        parse->in_text = value;
        bytes_clear(&parse->text);
    } else if (parse->depth == PLIST_TREE_MAX_DEPTH) {
        xml_input_refuse(&parse->input, STATUS_TOO_LARGE, "more than %d values within each other",
                         PLIST_TREE_MAX_DEPTH);
    } else {
        parse->open[parse->depth++] = (struct open_value){.value = value};
    }
}

/* The gathered text with its NUL; NULL after a refusal. */
static char *take_text(struct parse *parse)
{
    bytes_append_u8(&parse->text, 0);
    char *text =
        parse->text.status == STATUS_OK ? mem_strdup((const char *)parse->text.data) : NULL;
    if (text == NULL)
        xml_input_refuse(&parse->input, STATUS_NOMEM, "out of memory");
    return text;
}

static void end_key(struct parse *parse)
{
    struct open_value *dict = &parse->open[parse->depth - 1];
    parse->in_key = false;
    dict->key = take_text(parse);
    if (dict->key != NULL && plist_value_get(dict->value, dict->key) != NULL)
        xml_input_refuse(&parse->input, STATUS_MALFORMED, "the key %s comes twice", dict->key);
}

static void drop_blanks(struct bytes *text)
{
    size_t kept = 0;
    for (size_t i = 0; i < text->size; i++) {
        if (memchr(" \t\r\n", text->data[i], 4) == NULL)
            text->data[kept++] = text->data[i];
    }
    text->size = kept;
}

static void end_text(struct parse *parse)
{
    struct plist_value *value = parse->in_text;
    char *end = NULL;
    parse->in_text = NULL;
    if (value->type == PLIST_DATA)
        drop_blanks(&parse->text);
    value->text = take_text(parse);
    if (value->text == NULL)
        return;
    errno = 0;
    if (value->type == PLIST_INTEGER)
        value->integer = (int64_t)strtoll(value->text, &end, 10);
    else if (value->type == PLIST_REAL)
        (void)strtod(value->text, &end);
    if (end != NULL && (end == value->text || *end != '\0' || errno != 0))
        xml_input_refuse(&parse->input, STATUS_MALFORMED, "<%s> holds no such number",
                         plist_type_name(value->type));
}

/* ---- handlers ---- */

static void start_element(void *context, const char *element, const char **attributes)
{
    struct parse *parse = context;
    (void)attributes;
    if (parse->in_key || parse->in_text != NULL) {
        xml_input_refuse(&parse->input, STATUS_MALFORMED, "<%s> within a text", element);
        return;
    }
    if (strcmp(element, "plist") == 0) {
        if (parse->in_plist || parse->is_over)
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "a second <plist>");
        parse->in_plist = true;
        return;
    }
    if (strcmp(element, "key") == 0) {
        const struct open_value *dict = parse->depth > 0 ? &parse->open[parse->depth - 1] : NULL;
        if (dict == NULL || dict->value->type != PLIST_DICT || dict->key != NULL)
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "<key> where none may stand");
        parse->in_key = true;
        bytes_clear(&parse->text);
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(elements); i++) {
        if (strcmp(element, elements[i].element) == 0) {
            begin_value(parse, elements[i].type, elements[i].text);
            return;
        }
    }
    xml_input_refuse(&parse->input, STATUS_MALFORMED, "no property list has such an element");
}

static void end_element(void *context, const char *element)
{
    struct parse *parse = context;
    if (parse->in_key) {
        end_key(parse);
    } else if (parse->in_text != NULL) {
        end_text(parse);
    } else if (strcmp(element, "plist") == 0) {
        parse->is_over = true;
    } else if (strcmp(element, "dict") == 0 || strcmp(element, "array") == 0) {
        const struct open_value *closed = &parse->open[parse->depth - 1];
        if (closed->key != NULL)
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "the key %s has no value",
                             closed->key);
        else
            parse->depth--;
    }
}

static void take_characters(void *context, const char *text, size_t size)
{
    struct parse *parse = context;
    const struct span more = span_of(text, size);
    if (parse->in_key || parse->in_text != NULL) {
        bytes_append(&parse->text, more);
        return;
    }
    for (size_t i = 0; i < more.size; i++) {
        if (memchr(" \t\r\n", more.data[i], 4) == NULL) {
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "text outside of a value");
            return;
        }
    }
}

/* ---- all of it ---- */

/* Depth is bounded, so recursion is. */
static void free_values(struct plist_value *value)
{
    while (value != NULL) {
        struct plist_value *next = value->next;
        free_values(value->first);
        mem_free(value->key);
        mem_free(value->text);
        mem_free(value);
        value = next;
    }
}

void plist_tree_free(struct plist_tree *tree)
{
    if (tree == NULL)
        return;
    free_values(tree->root);
    mem_free(tree);
}

const struct plist_value *plist_tree_root(const struct plist_tree *tree)
{
    return tree->root;
}

const struct plist_value *plist_value_get(const struct plist_value *dict, const char *key)
{
    if (dict == NULL || dict->type != PLIST_DICT)
        return NULL;
    for (const struct plist_value *value = dict->first; value != NULL; value = value->next) {
        if (strcmp(value->key, key) == 0)
            return value;
    }
    return NULL;
}

static enum status read_tree(struct parse *parse, struct span xml, const char *name,
                             struct error *err)
{
    static const struct xml_handlers handlers = {
        .start = start_element, .end = end_element, .text = take_characters};
    const enum status status =
        xml_input_read(&parse->input, xml, PLIST_TREE_MAX_BYTES, name, &handlers, err);
    if (status == STATUS_OK && parse->tree->root == NULL)
        return error_set(err, STATUS_MALFORMED, "%s: no property list in it", name);
    return status;
}

enum status plist_tree_parse(struct span xml, const char *name, struct plist_tree **ret,
                             struct error *err)
{
    struct parse parse = {.depth = 0};
    parse.tree = mem_alloc_zeroed(1, sizeof *parse.tree);
    if (parse.tree == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", name);
    bytes_init(&parse.text, PLIST_TREE_MAX_BYTES + 1);
    const enum status status = read_tree(&parse, xml, name, err);
    for (size_t i = 0; i < parse.depth; i++)
        mem_free(parse.open[i].key);
    bytes_deinit(&parse.text);
    if (status == STATUS_OK)
        *ret = parse.tree;
    else
        plist_tree_free(parse.tree);
    return status;
}
