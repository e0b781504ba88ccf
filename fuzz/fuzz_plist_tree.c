/* Small property lists: what is accepted is a tree whose keys are found again. */
#include "bloom/formats/plist_tree.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct plist_value *value, bool is_in_dict, unsigned depth)
{
    if (depth > PLIST_TREE_MAX_DEPTH || (value->key != NULL) != is_in_dict)
        abort();
    const bool is_container = value->type == PLIST_DICT || value->type == PLIST_ARRAY;
    if (is_container ? value->text != NULL : value->text == NULL || value->first != NULL)
        abort();
    for (const struct plist_value *child = value->first; child != NULL; child = child->next) {
        check(child, value->type == PLIST_DICT, depth + 1);
        if (child->key != NULL && plist_value_get(value, child->key) != child)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plist_tree *tree = NULL;
    if (plist_tree_parse(span_of(data, size), "fuzz", &tree, NULL) != STATUS_OK)
        return 0;
    check(plist_tree_root(tree), false, 0);
    plist_tree_free(tree);
    return 0;
}
