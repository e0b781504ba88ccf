/* blindlist ios checklist - the onboarding of Apple's relay, with the values of one deployment. */
#include "pir-server/dataset/dataset.h"
#include "pir-server/pir/pir_cost.h"
#include "tools/cmd_ios.h"
#include "tools/deployment_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DAY_S 86400
/* Of a day's requests, how many times as many come in its busiest second. */
#define PEAK_FACTOR          3
#define LOOKUPS_DEFAULT      50
#define LOOKUPS_MAX          1000000
#define USERS_MAX            UINT32_MAX
#define PARAMETERS_MAX_BYTES 1024

static const char *const continents[] = {"africa",        "asia",    "europe",
                                         "north-america", "oceania", "south-america"};

enum { OPT_GATEWAY = IOS_NAMES_OPTION_COUNT, OPT_DATA, OPT_USERS, OPT_LOOKUPS };
static const struct tool_option options[] = {
    IOS_NAMES_OPTIONS,
    [OPT_GATEWAY] = {"gateway", 'g', "URL", "of the Oblivious HTTP gateway, a host of its own"},
    [OPT_DATA] = {"data", 'd', "DIR", "data folder of the server: sizes are told from it"},
    [OPT_USERS] = {"users", 0, "WHERE=N", "people there, such as europe=20000; repeat"},
    [OPT_LOOKUPS] = {"lookups", 0, "N", "questions of one of them a day [50]"},
};

struct session {
    struct ios_names names;
    const char *gateway;
    const char *data;
    uint32_t users[ARRAY_COUNT(continents)];
    bool has_users;
    uint32_t lookups;
    bool has_sizes;
    struct pir_prediction sizes;
};

/* "europe=20000" */
static int take_users(struct session *session, const struct tool_args *args)
{
    static const char expected[] = "WHERE=N is expected, such as europe=20000";
    for (size_t i = 0; i < ARRAY_COUNT(continents); i++) {
        const size_t size = strlen(continents[i]);
        if (strncmp(args->value, continents[i], size) != 0 || args->value[size] != '=')
            continue;
        struct tool_args number = *args;
        number.value = args->value + size + 1;
        session->has_users = true;
        return tool_take_u32(&number, 0, USERS_MAX, &session->users[i]);
    }
    return tool_bad_value(args, expected);
}

static const char *host_of(const char *url)
{
    const char *slashes = strstr(url, "://");
    return slashes != NULL ? slashes + 3 : url;
}

static enum status read_sizes(struct session *session, struct error *err)
{
    char use_case[PARAMETERS_MAX_BYTES];
    struct dataset *dataset = NULL;
    snprintf(use_case, sizeof use_case, "%s%s", session->names.bundle_id,
             DEPLOYMENT_USE_CASE_SUFFIX);
    enum status status = dataset_open(session->data, use_case, 0, &dataset, err);
    if (status == STATUS_OK)
        status = pir_cost_predict(dataset_parameters(dataset), 0, NULL, &session->sizes, err);
    dataset_free(dataset);
    session->has_sizes = status == STATUS_OK;
    return status;
}

static void print_form(const struct session *session)
{
    const char *issuer =
        session->names.issuer != NULL ? session->names.issuer : session->names.server;
    printf("The form:\n\n");
    printf("    bundle identifier      %s\n", session->names.bundle_id);
    printf("    use case               %s%s\n", session->names.bundle_id,
           DEPLOYMENT_USE_CASE_SUFFIX);
    printf("    service                %s\n", host_of(session->names.server));
    printf("    token issuer           %s\n", host_of(issuer));
    printf("    gateway                %s\n",
           session->gateway != NULL ? host_of(session->gateway) : "____");
    printf("    gateway's keys         %s/.well-known/ohttp-gateway\n",
           session->gateway != NULL ? session->gateway : "https://____");
    printf("    test row               %s, value 1\n", DATASET_TEST_ROW);
    printf("    user token for Apple   ____ (blindlist token create --label apple)\n");
    if (session->has_sizes) {
        const struct pir_prediction *sizes = &session->sizes;
        printf("    largest request        %" PRIu64 " bytes (a question and its key)\n",
               sizes->evaluation_key_bytes + sizes->query_bytes + PARAMETERS_MAX_BYTES);
        printf("    usual request          %" PRIu64 " bytes (a question)\n",
               sizes->query_bytes + PARAMETERS_MAX_BYTES);
        printf("    response               %" PRIu64 " bytes\n",
               sizes->response_bytes + PARAMETERS_MAX_BYTES);
    } else {
        printf("    largest request        ____ (told with --data)\n"
               "    usual request          ____\n"
               "    response               ____\n");
    }
}

static void print_rates(const struct session *session)
{
    printf("\n    %-14s %14s %20s\n", "continent", "requests a day", "a second at the peak");
    for (size_t i = 0; i < ARRAY_COUNT(continents); i++) {
        const uint64_t day = (uint64_t)session->users[i] * session->lookups;
        const uint64_t peak = (day * PEAK_FACTOR + DAY_S - 1) / DAY_S;
        if (session->has_users)
            printf("    %-14s %14" PRIu64 " %20" PRIu64 "\n", continents[i], day, peak);
        else
            printf("    %-14s %14s %20s\n", continents[i], "____", "____");
    }
}

static void print_steps(const struct session *session)
{
    const struct ios_names *names = &session->names;
    const char *issuer = names->issuer != NULL ? names->issuer : names->server;
    printf("Before an app that is not signed for development can use %s,\n"
           "Apple's relay must know it. In this order:\n\n",
           host_of(names->server));
    printf("[ ] 1. Three host names with certificates, HTTP/2, no paths: service %s,\n"
           "       issuer %s, gateway %s.\n",
           host_of(names->server), host_of(issuer),
           session->gateway != NULL ? host_of(session->gateway) : "____");
    printf("[ ] 2. In the DNS of %s:\n\n           %s. IN TXT \"apple-url-filter=%s\"\n\n",
           host_of(names->server), host_of(names->server), names->bundle_id);
    printf("[ ] 3. The dataset has the row %s.\n"
           "       `blindlist compile` puts it in.\n",
           DATASET_TEST_ROW);
    printf("[ ] 4. A user token for Apple's tests, which stays valid:\n"
           "       blindlist token create --state STATE --label apple\n");
    printf("[ ] 5. All of it passes:\n"
           "       blindlist doctor --server %s --issuer %s \\\n"
           "           --bundle-id %s --token-file TOKEN\n",
           names->server, issuer, names->bundle_id);
    printf("[ ] 6. The same URLs in setConfiguration, in NSPIRConfiguration of Info.plist, and in\n"
           "       profiles.\n");
    printf("[ ] 7. The form below, in the CloudKit console under Identity & Trust.\n"
           "[ ] 8. When Apple has answered: a build from TestFlight. Error 9 or -1009 there, and\n"
           "       not in a build signed for development, is the relay.\n\n");
}

static int take_option(struct session *session, int got, const struct tool_args *args)
{
    if (got >= 0 && got < IOS_NAMES_OPTION_COUNT) {
        ios_names_take(&session->names, got, args);
        return EXIT_DONE;
    }
    switch (got) {
    case OPT_GATEWAY:
        session->gateway = args->value;
        return deployment_url_fault(args->value) == NULL
                   ? EXIT_DONE
                   : tool_bad_value(args, "https:// and a host name are expected");
    case OPT_DATA:
        session->data = args->value;
        return EXIT_DONE;
    case OPT_USERS:
        return take_users(session, args);
    case OPT_LOOKUPS:
        return tool_take_u32(args, 1, LOOKUPS_MAX, &session->lookups);
    case TOOL_OPERAND:
        return tool_usage_error(args, "what is %s? Values follow an option", args->value);
    default:
        return args->exit_code;
    }
}

static int run(struct tool_args *args)
{
    struct session session = {.lookups = LOOKUPS_DEFAULT};
    struct error error;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take_option(&session, got, args);
        if (got == TOOL_STOP || code != EXIT_DONE)
            return code;
    }
    const int code = ios_names_check(&session.names, args);
    if (code != EXIT_DONE)
        return code;
    if (session.data != NULL && read_sizes(&session, &error) != STATUS_OK)
        return tool_fail(&error);
    print_steps(&session);
    print_form(&session);
    print_rates(&session);
    return EXIT_DONE;
}

const struct tool_command command_ios_checklist = {
    .name = "ios checklist",
    .synopsis = "--bundle-id ID --server URL [--gateway URL] [--data DIR] [options]",
    .summary = "the steps to Apple's relay, with the values of this deployment",
    .details = "Prints what must be done before a distribution build works, and a form with host\n"
               "names, sizes and rates; what is not known is left as ____.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
