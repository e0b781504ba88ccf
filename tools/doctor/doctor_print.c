#include "tools/doctor/doctor_print.h"

#include "tools/tool_json.h"

#include <stdio.h>
#include <string.h>

#define LINE_COLUMNS 100
/* Room for the names of all checks. */
#define ALIKE_BYTES (DOCTOR_CHECK_COUNT * 24)

static const char *result_name(enum doctor_result result)
{
    switch (result) {
    case DOCTOR_PASS:
        return "pass";
    case DOCTOR_FAIL:
        return "fail";
    case DOCTOR_UNKNOWN:
        return "unknown";
    }
    return "unknown";
}

/* A text behind a label, broken between words; lines after the first begin below the text. */
static void print_wrapped(const char *label, const char *text)
{
    const size_t indent = strlen(label);
    size_t column = indent;
    fputs(label, stdout);
    while (*text != '\0') {
        const size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > LINE_COLUMNS) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        }
        const bool is_first = column == indent;
        printf("%s%.*s", is_first ? "" : " ", (int)word, text);
        column += word + (is_first ? 0 : 1);
        text += word;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static size_t count_of(const struct doctor_report *report, enum doctor_result result)
{
    size_t count = 0;
    for (size_t i = 0; i < DOCTOR_CHECK_COUNT; i++)
        count += report->findings[i].result == result;
    return count;
}

static int exit_code_of(const struct doctor_report *report)
{
    return count_of(report, DOCTOR_FAIL) > 0 ? EXIT_ANSWER_NO : EXIT_DONE;
}

/* Checks that follow each other and are unknown for one reason are told together: how many they
 * are, the first included. */
static size_t count_alike(const struct doctor_report *report, enum doctor_check first)
{
    const struct doctor_finding *finding = &report->findings[first];
    size_t count = 1;
    if (finding->result != DOCTOR_UNKNOWN)
        return 1;
    while (first + count < DOCTOR_CHECK_COUNT && finding[count].result == DOCTOR_UNKNOWN &&
           strcmp(finding[count].why, finding->why) == 0)
        count++;
    return count;
}

static void print_findings(const struct doctor_report *report, enum doctor_check first,
                           size_t count)
{
    const struct doctor_finding *finding = &report->findings[first];
    const struct doctor_row *row = doctor_row(first);
    char label[64];
    char text[DOCTOR_WHY_BYTES + ALIKE_BYTES];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", finding->why);
    for (size_t i = 1; i < count && used < sizeof text; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s %s", i == 1 ? "; likewise" : ",",
                             doctor_row((enum doctor_check)(first + i))->id);
    snprintf(label, sizeof label, "%-8s %-18s ", result_name(finding->result), row->id);
    print_wrapped(label, text);
    if (finding->result == DOCTOR_FAIL) {
        print_wrapped("           should be  ", row->title);
        print_wrapped("           cause      ", row->cause);
        print_wrapped("           to do      ", row->advice);
    }
}

int doctor_print_report(const struct doctor_report *report)
{
    size_t count = 0;
    for (size_t check = 0; check < DOCTOR_CHECK_COUNT; check += count) {
        count = count_alike(report, (enum doctor_check)check);
        print_findings(report, (enum doctor_check)check, count);
    }
    printf("%d checks: %zu passed, %zu failed, %zu unknown\n", DOCTOR_CHECK_COUNT,
           count_of(report, DOCTOR_PASS), count_of(report, DOCTOR_FAIL),
           count_of(report, DOCTOR_UNKNOWN));
    return exit_code_of(report);
}

static json_t *row_json(enum doctor_check check)
{
    const struct doctor_row *row = doctor_row(check);
    return json_pack("{s:s, s:s, s:s, s:s}", "id", row->id, "title", row->title, "cause",
                     row->cause, "advice", row->advice);
}

int doctor_print_report_json(const struct doctor_report *report)
{
    json_t *checks = json_array();
    for (enum doctor_check check = 0; check < DOCTOR_CHECK_COUNT; check++) {
        const struct doctor_finding *finding = &report->findings[check];
        json_t *one = row_json(check);
        json_put(one, "result", json_string(result_name(finding->result)));
        json_put(one, "why", tool_text_json(span_of_text(finding->why)));
        json_array_append_new(checks, one);
    }
    json_t *root = json_pack("{s:o}", "checks", checks);
    json_put(root, "passed", json_count(count_of(report, DOCTOR_PASS)));
    json_put(root, "failed", json_count(count_of(report, DOCTOR_FAIL)));
    json_put(root, "unknown", json_count(count_of(report, DOCTOR_UNKNOWN)));
    const int printed = tool_print_json(root);
    return printed == EXIT_DONE ? exit_code_of(report) : printed;
}

/* ---- errors ---- */

void doctor_error_names(char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < doctor_error_count() && used < size; i++) {
        const int more =
            snprintf(ret + used, size - used, "%s%s", i > 0 ? ", " : "", doctor_error(i)->name);
        used += more > 0 ? (size_t)more : 0;
    }
}

int doctor_print_error(const struct doctor_error *error)
{
    print_wrapped("seen    ", error->seen);
    print_wrapped("means   ", error->means);
    print_wrapped("next    ", error->next);
    if (error->check_count > 0)
        puts("checks that explain it (blindlist doctor --server URL makes them):");
    for (size_t i = 0; i < error->check_count; i++) {
        char label[64];
        snprintf(label, sizeof label, "  %-18s ", doctor_row(error->checks[i])->id);
        print_wrapped(label, doctor_row(error->checks[i])->title);
    }
    return EXIT_DONE;
}

int doctor_print_error_json(const struct doctor_error *error)
{
    json_t *checks = json_array();
    for (size_t i = 0; i < error->check_count; i++)
        json_array_append_new(checks, row_json(error->checks[i]));
    return tool_print_json(json_pack("{s:s, s:s, s:s, s:s, s:o}", "error", error->name, "seen",
                                     error->seen, "means", error->means, "next", error->next,
                                     "checks", checks));
}

/* ---- the page ---- */

int doctor_print_markdown(void)
{
    puts("# Troubleshooting\n\n"
         "<!-- made by `blindlist doctor --markdown` from tools/doctor/doctor_table.c -->\n\n"
         "What people see on devices, which checks explain it, and what to do about each. All "
         "checks that can be made from\noutside are made by\n\n"
         "    blindlist doctor --server https://pir.example.com --bundle-id com.example.app "
         "--token-file user-token\n\n"
         "Each passes, fails or remains unknown, because something was not given or another "
         "check failed before. The exit code\nis 0 when none failed and 3 when one did. Error "
         "numbers of NEURLFilterManager differ between releases of the system:\nin code, compare "
         "with the names.\n\n"
         "## Errors");
    for (size_t i = 0; i < doctor_error_count(); i++) {
        const struct doctor_error *error = doctor_error(i);
        printf("\n### %s\n\n%s.\n\n%s\n\n%s\n", error->name, error->seen, error->means,
               error->next);
        if (error->check_count > 0)
            puts("\nChecks:");
        for (size_t k = 0; k < error->check_count; k++) {
            const char *id = doctor_row(error->checks[k])->id;
            printf("[%s](#%s)%s\n", id, id, k + 1 < error->check_count ? "," : ".");
        }
    }
    puts("\n## Checks");
    for (enum doctor_check check = 0; check < DOCTOR_CHECK_COUNT; check++) {
        const struct doctor_row *row = doctor_row(check);
        printf("\n### %s\n\nWhen all is well, %s.\n\nOtherwise, as a rule: %s\n\nTo do: %s\n",
               row->id, row->title, row->cause, row->advice);
    }
    return EXIT_DONE;
}
