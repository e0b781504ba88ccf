/* rule_help - what the tests of list formats share: rules as short texts.
 *
 *   "a.example"            blocked, the device key
 *   "@@a.example"          allowed          "--a.example"   cancels a rule
 *   "a.example +folder"    differs: +folder +deeper +hosts +case +types -open -query
 *   "!regex"               dropped, with the reason's name
 *   "#"                    a comment
 * Several rules of a line are set apart by ", ". */
#ifndef BLINDLIST_TESTS_RULE_HELP_H
#define BLINDLIST_TESTS_RULE_HELP_H

#include "urls/rule.h"

struct rule_case {
    const char *line;
    const char *expected;
};

struct rule_shown {
    char text[1024];
    size_t size;
};

/* A rule_visit() that appends to a struct rule_shown. */
enum status rule_help_visit(void *context, const struct rule *rule, struct error *err);
/* Fails the test when a line did not come out as expected. */
void rule_help_compare(const struct rule_case *expected, struct rule_shown *shown, bool is_comment);

#endif
