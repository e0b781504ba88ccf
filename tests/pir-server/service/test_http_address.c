#include "pir-server/service/http_address.h"

#include <criterion/criterion.h>
#include <string.h>

Test(http_address, loopback_or_not)
{
    static const struct {
        const char *address;
        bool is_valid;
        bool is_loopback;
    } cases[] = {
        {"127.0.0.1:8080", true, true},
        {"127.9.9.9:0", true, true},
        {"[::1]:80", true, true},
        {"0.0.0.0:8080", true, false},
        {"[::]:8080", true, false},
        {"192.0.2.1:8080", true, false},
        {"128.0.0.1:1", true, false},
        {"[::ffff:127.0.0.1]:1", true, false},
        {"localhost:80", false, false},
        {"127.0.0.1", false, false},
        {"127.0.0.1:", false, false},
        {"127.0.0.1:65536", false, false},
        {":8080", false, false},
        {"::1:80", false, false},
        {"[::1]", false, false},
        {"127.0.0.1:80x", false, false},
        {"", false, false},
        {"127.0.0.1:-1", false, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        bool is_loopback = false;
        struct error error;
        const enum status status = http_address_is_loopback(cases[i].address, &is_loopback, &error);
        cr_expect_eq(status == STATUS_OK, cases[i].is_valid, "%s", cases[i].address);
        cr_expect_eq(is_loopback, cases[i].is_loopback, "%s", cases[i].address);
        if (!cases[i].is_valid)
            cr_expect(strstr(error.message, cases[i].address) != NULL, "%s", error.message);
    }
}
