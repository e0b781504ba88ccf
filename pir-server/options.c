#include "pir-server/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Behind the settings. */
enum {
    OPTION_CONFIG = SETTING_COUNT,
    OPTION_CHECK_CONFIG,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_COUNT
};

static void print_option(const char *name, const char *argument, const char *help)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", name, argument != NULL ? " " : "",
             argument != NULL ? argument : "");
    printf("  %-26s %s\n", left, help);
}

static int print_help(void)
{
    fputs(
        "usage: blindlist-server --data DIR [--listen ADDR:PORT] [--state "
        "FILE] [options]\n"
        "       blindlist-server --config FILE [options]\n"
        "       blindlist-server state check | backup FILE | vacuum | new-key KIND --state FILE\n\n"
        "Answers the private queries of iPhones, iPads and Macs about the "
        "datasets in DIR, and\n"
        "serves their prefilters. SIGHUP loads new dataset versions; SIGTERM "
        "drains and ends.\n\n"
        "options:\n",
        stdout);
    print_option("config", "FILE", "settings as JSON, also the reference's service-config.json");
    print_option("check-config", NULL, "read all that a start would, say what is wrong, and end");
    for (size_t i = 0; i < SETTING_COUNT; i++)
        print_option(setting_table[i].option, setting_table[i].argument, setting_table[i].help);
    print_option("help", NULL, "this text");
    print_option("version", NULL, "the version");
    fputs("\nExit codes: 0 ended on request, 1 failed, 2 wrong usage, 3 --check-config found a "
          "fault.\nSee blindlist-server(8).\n",
          stdout);
    return fflush(stdout) == 0 ? OPTIONS_DONE : OPTIONS_FAILED;
}

static int print_version(void)
{
    puts("blindlist-server " BLINDLIST_VERSION);
    return fflush(stdout) == 0 ? OPTIONS_DONE : OPTIONS_FAILED;
}

int options_usage_error_of(const char *command, const char *format, va_list args)
{
    fprintf(stderr, "blindlist-server%s: ", command);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nTry 'blindlist-server%s --help'.\n", command);
    return OPTIONS_USAGE;
}

int options_usage_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int code = options_usage_error_of("", format, args);
    va_end(args);
    return code;
}

/* A decimal number in [least, most]. */
static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
    uint64_t value = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || value > most)
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    if (value < least || value > most)
        return false;
    *ret = value;
    return true;
}

static bool is_choice(const struct setting_row *row, const char *text)
{
    size_t i = 0;
    while (i < row->choice_count && strcmp(row->choices[i], text) != 0)
        i++;
    return i < row->choice_count;
}

/* Of getopt's optarg. */
static int take(enum setting setting, struct option_value *ret)
{
    const struct setting_row *row = &setting_table[setting];
    uint64_t number = 0;
    *ret = (struct option_value){.is_given = true};
    switch (row->kind) {
    case SETTING_IS_CHOICE:
        if (!is_choice(row, optarg))
            return options_usage_error("--%s: %s is no such way; see --help", row->option, optarg);
        ret->text = optarg;
        break;
    case SETTING_IS_TEXT:
    case SETTING_IS_PATH:
        ret->text = optarg;
        break;
    case SETTING_IS_SWITCH:
        break;
    case SETTING_IS_NUMBER:
    case SETTING_IS_SIZE:
    case SETTING_IS_DURATION:
        if (!parse_number(optarg, row->least, row->most, &number))
            return options_usage_error("--%s needs a number from %" PRIu64 " to %" PRIu64
                                       ", not %s",
                                       row->option, row->least, row->most, optarg);
        ret->number = number * row->unit;
        break;
    }
    return OPTIONS_GO_ON;
}

void options_apply(const struct options *options, struct settings *settings)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct option_value *value = &options->values[i];
        if (!value->is_given)
            continue;
        if (value->text != NULL)
            settings_set_text(settings, (enum setting)i, value->text);
        else if (setting_table[i].kind == SETTING_IS_SWITCH)
            settings_set_switch(settings, (enum setting)i, true);
        else
            settings_set_number(settings, (enum setting)i, value->number);
    }
}

static void list_options(struct option ret[OPTION_COUNT + 1])
{
    for (int i = 0; i < SETTING_COUNT; i++)
        ret[i] = (struct option){
            .name = setting_table[i].option,
            .has_arg = setting_table[i].argument != NULL ? required_argument : no_argument,
            .val = i,
        };
    ret[OPTION_CONFIG] =
        (struct option){.name = "config", .has_arg = required_argument, .val = OPTION_CONFIG};
    ret[OPTION_CHECK_CONFIG] = (struct option){.name = "check-config", .val = OPTION_CHECK_CONFIG};
    ret[OPTION_HELP] = (struct option){.name = "help", .val = OPTION_HELP};
    ret[OPTION_VERSION] = (struct option){.name = "version", .val = OPTION_VERSION};
}

int options_parse(int argc, char **argv, struct options *ret)
{
    struct option options[OPTION_COUNT + 1] = {0};
    int code = OPTIONS_GO_ON;
    *ret = (struct options){0};
    list_options(options);
    opterr = 0;
    while (code == OPTIONS_GO_ON) {
        const int at = optind;
        const int got = getopt_long(argc, argv, ":", options, NULL);
        if (got == -1)
            break;
        if (got == ':')
            return options_usage_error("%s needs a value", argv[at]);
        if (got == '?')
            return options_usage_error("unknown option %s", argv[at]);
        if (got == OPTION_HELP)
            return print_help();
        if (got == OPTION_VERSION)
            return print_version();
        if (got == OPTION_CONFIG)
            ret->config = optarg;
        else if (got == OPTION_CHECK_CONFIG)
            ret->is_check = true;
        else
            code = take((enum setting)got, &ret->values[got]);
    }
    if (code == OPTIONS_GO_ON && optind < argc)
        return options_usage_error("unexpected operand %s", argv[optind]);
    return code;
}
