#include "tools/tool.h"

#include "base/cpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tool_option kernel_option = {
    "kernel", 0, "NAME", "avx512, avx2, neon or ref rather than the fastest"};

static void print_option(const struct tool_option *option)
{
    char left[64];
    char letter[8] = "";
    if (option->letter != '\0')
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name,
             option->argument != NULL ? " " : "", option->argument != NULL ? option->argument : "");
    printf("  %-30s %s\n", left, option->help);
}

static void print_help(const struct tool_command *command)
{
    printf("usage: blindlist %s%s%s\n\n%s\n", command->name, command->synopsis[0] ? " " : "",
           command->synopsis, command->summary);
    if (command->details != NULL)
        printf("\n%s\n", command->details);
    if (command->member_count > 0)
        printf("\ncommands:\n");
    for (size_t i = 0; i < command->member_count; i++)
        printf("  %-18s %s\n", command->members[i]->name, command->members[i]->summary);
    printf("\noptions:\n");
    for (size_t i = 0; i < command->option_count; i++)
        print_option(&command->options[i]);
    if (command->has_kernels)
        print_option(&kernel_option);
    printf("  %-30s %s\n", "--help", "this text");
}

static int stop(struct tool_args *args, int exit_code)
{
    args->exit_code = exit_code;
    return TOOL_STOP;
}

/* Sets args->value; false after a usage error. */
static bool take_value(struct tool_args *args, const struct tool_option *option,
                       const char *attached)
{
    args->option = option;
    args->value = attached;
    if (option->argument == NULL) {
        if (attached != NULL)
            stop(args, tool_usage_error(args, "--%s takes no value", option->name));
        return attached == NULL;
    }
    if (attached == NULL) {
        if (args->position >= args->argc) {
            stop(args, tool_usage_error(args, "--%s needs %s", option->name, option->argument));
            return false;
        }
        args->value = args->argv[args->position++];
    }
    return true;
}

/* All options are read: the kernel that was asked for, or none is called so. */
static int end(struct tool_args *args)
{
    struct error err;
    if (!args->command->has_kernels)
        return TOOL_END;
    const enum status st = cpu_force_kernel(args->kernel, &err);
    if (st == STATUS_OK)
        return TOOL_END;
    return stop(args, st == STATUS_NOT_FOUND ? tool_usage_error(args, "%s", err.message)
                                             : tool_fail(&err));
}

/* Whether `word` is the option; `ret_attached` then is what follows in the same word, or NULL. */
static bool is_option(const struct tool_option *option, const char *word, const char **ret_attached)
{
    if (word[1] != '-') {
        *ret_attached = word[2] != '\0' ? word + 2 : NULL;
        return word[1] == option->letter;
    }
    const char *const equals = strchr(word, '=');
    const size_t length = equals != NULL ? (size_t)(equals - word) - 2 : strlen(word + 2);
    *ret_attached = equals != NULL ? equals + 1 : NULL;
    return strlen(option->name) == length && strncmp(option->name, word + 2, length) == 0;
}

int tool_next(struct tool_args *args)
{
    if (args->position >= args->argc)
        return end(args);
    const char *word = args->argv[args->position++];
    args->value = word;
    if (args->only_operands || word[0] != '-' || word[1] == '\0')
        return TOOL_OPERAND;
    if (strcmp(word, "--") == 0) {
        args->only_operands = true;
        return tool_next(args);
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(args->command);
        return stop(args, EXIT_DONE);
    }
    const char *attached = NULL;
    for (size_t i = 0; i < args->command->option_count; i++) {
        const struct tool_option *option = &args->command->options[i];
        if (is_option(option, word, &attached))
            return take_value(args, option, attached) ? (int)i : TOOL_STOP;
    }
    if (args->command->has_kernels && is_option(&kernel_option, word, &attached)) {
        if (!take_value(args, &kernel_option, attached))
            return TOOL_STOP;
        args->kernel = args->value;
        return tool_next(args);
    }
    return stop(args, tool_usage_error(args, "unknown option %s", word));
}

int tool_usage_error(const struct tool_args *args, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "blindlist %s: ", args->command->name);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\nTry 'blindlist %s --help'.\n", args->command->name);
    va_end(list);
    return EXIT_USAGE;
}

int tool_fail(const struct error *err)
{
    fprintf(stderr, "blindlist: %s\n", err->message);
    return EXIT_FAILED;
}

int tool_finish(int exit_code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_code;
    fprintf(stderr, "blindlist: standard output: %s\n", strerror(errno));
    return EXIT_FAILED;
}

int tool_bad_value(const struct tool_args *args, const char *expected)
{
    return tool_usage_error(args, "--%s %s: %s", args->option->name, args->value, expected);
}

static bool parse_u64(const char *text, uint64_t *ret)
{
    uint64_t value = 0;
    if (text[0] == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        const uint64_t digit = (uint64_t)(*text - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

int tool_take_u64(const struct tool_args *args, uint64_t min, uint64_t max, uint64_t *ret)
{
    char expected[80];
    uint64_t value;
    if (parse_u64(args->value, &value) && value >= min && value <= max) {
        *ret = value;
        return EXIT_DONE;
    }
    if (max == INT64_MAX)
        snprintf(expected, sizeof expected, "a number from %" PRIu64 " is wanted", min);
    else
        snprintf(expected, sizeof expected, "a number from %" PRIu64 " to %" PRIu64 " is wanted",
                 min, max);
    return tool_bad_value(args, expected);
}

int tool_take_u32(const struct tool_args *args, uint32_t min, uint32_t max, uint32_t *ret)
{
    uint64_t value = *ret;
    const int code = tool_take_u64(args, min, max, &value);
    *ret = (uint32_t)value;
    return code;
}

int tool_take_size(const struct tool_args *args, size_t min, size_t max, size_t *ret)
{
    uint64_t value = *ret;
    const int code = tool_take_u64(args, min, max, &value);
    *ret = (size_t)value;
    return code;
}

int tool_take_share(const struct tool_args *args, double *ret)
{
    char *end;
    const double value = strtod(args->value, &end);
    if (end == args->value || *end != '\0' || !(value > 0 && value < 1))
        return tool_bad_value(args, "a number between 0 and 1 is wanted, both excluded");
    *ret = value;
    return EXIT_DONE;
}

void tool_print_text(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        putchar(text.data[i] < ' ' || text.data[i] == 127 ? '?' : text.data[i]);
}
