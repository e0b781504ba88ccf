/* plist_tree - a small XML property list, read into a tree.
 *
 * For configuration profiles and Info.plist; filters, which may be large, are read by
 * bloom_plist.h.
 * Strict   one value in <plist>; a key before each value of a <dict>, each key once; numbers are
 *          numbers, data is base64 (told as its text, without white space). Declarations of
 *          entities are refused, so are binary property lists, by name.
 * Limits   PLIST_TREE_MAX_BYTES, _VALUES, _DEPTH.
 * Memory   the tree owns all; values are borrowed from it.
 * Errors   STATUS_MALFORMED with the line, STATUS_TOO_LARGE, STATUS_UNSUPPORTED, STATUS_NOMEM.
 * Source   the XML form as PropertyListSerialization writes it. */
#ifndef BLINDLIST_BLOOM_FORMATS_PLIST_TREE_H
#define BLINDLIST_BLOOM_FORMATS_PLIST_TREE_H

#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>

#define PLIST_TREE_MAX_BYTES  ((size_t)1 << 20)
#define PLIST_TREE_MAX_VALUES 10000
#define PLIST_TREE_MAX_DEPTH  16

enum plist_type {
    PLIST_DICT,
    PLIST_ARRAY,
    PLIST_STRING,
    PLIST_INTEGER,
    PLIST_REAL,
    PLIST_BOOLEAN,
    PLIST_DATE,
    PLIST_DATA
};
/* As its element: "dict"; "boolean" for both of them. Static. */
const char *plist_type_name(enum plist_type type);

struct plist_value {
    enum plist_type type;
    char *key;                 /* in a dict; else NULL */
    char *text;                /* of what holds no values: as it is written, "true" or "false" */
    int64_t integer;           /* of PLIST_INTEGER */
    unsigned long line;        /* where it begins */
    struct plist_value *first; /* of a dict or an array, in their order */
    struct plist_value *next;
};

struct plist_tree;
/* `name` (a file name) begins every message. */
enum status plist_tree_parse(struct span xml, const char *name, struct plist_tree **ret,
                             struct error *err) MUST_CHECK;
void plist_tree_free(struct plist_tree *tree); /* takes NULL */
const struct plist_value *plist_tree_root(const struct plist_tree *tree);
/* The value of a key; NULL when there is none, or `dict` is no dict. */
const struct plist_value *plist_value_get(const struct plist_value *dict, const char *key);

#endif
