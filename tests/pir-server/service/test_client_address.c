#include "pir-server/service/client_address.h"

#include "base/compiler.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

static struct error error;

static struct client_address address_of(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct client_address address = {{0}};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        cr_assert(client_address_of((const struct sockaddr *)&v4, &address));
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        cr_assert(client_address_of((const struct sockaddr *)&v6, &address));
    else
        cr_assert(false, "%s", text);
    return address;
}

static bool is_in(const char *ranges, const char *text)
{
    struct address_ranges list;
    const struct client_address address = address_of(text);
    cr_assert_eq(address_ranges_parse(ranges, &list, &error), STATUS_OK, "%s", error.message);
    return address_ranges_hold(&list, &address);
}

Test(client_address, ranges_hold_what_is_in_them)
{
    cr_expect(is_in("127.0.0.1,::1", "127.0.0.1"));
    cr_expect(is_in("127.0.0.1,::1", "::1"));
    cr_expect(!is_in("127.0.0.1,::1", "127.0.0.2"));
    cr_expect(is_in("10.0.0.0/8", "10.255.1.2"));
    cr_expect(!is_in("10.0.0.0/8", "11.0.0.0"));
    cr_expect(is_in("10.1.2.8/29", "10.1.2.15"));
    cr_expect(!is_in("10.1.2.8/29", "10.1.2.16"));
    cr_expect(is_in("0.0.0.0/0", "1.2.3.4"));
    cr_expect(!is_in("0.0.0.0/0", "2001:db8::1"));
    cr_expect(is_in("fd00::/8", "fdff::1"));
    cr_expect(!is_in("fd00::/8", "fe00::1"));
    cr_expect(is_in("::/0", "1.2.3.4"), "IPv4 lies in IPv6");
    cr_expect(is_in("192.0.2.1", "::ffff:192.0.2.1"), "so it comes to a socket of both");
    cr_expect(!is_in("none", "127.0.0.1"));
}

Test(client_address, what_is_no_range_is_named)
{
    static const char *const bad[] = {
        "",       ",",          "127.0.0.1,",   "localhost", "10.0.0.0/33", "10.0.0.0/",
        "::/129", "10.0.0.0/a", "10.0.0.0/8/8", "1.2.3",     "127.0.0.1 ",  "10.0.0.0/0008"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct address_ranges list = {.count = 77};
        cr_expect_eq(address_ranges_parse(bad[i], &list, &error), STATUS_INVALID, "%s", bad[i]);
        cr_expect_eq(list.count, 77);
    }
    struct address_ranges list;
    cr_expect_eq(address_ranges_parse("1.1.1.1,what,2.2.2.2", &list, &error), STATUS_INVALID);
    cr_expect(strncmp(error.message, "what:", 5) == 0, "%s", error.message);
    char many[34 * 8] = "";
    for (int i = 0; i < 33; i++)
        strcat(many, i == 0 ? "1.1.1.1" : ",1.1.1.1");
    cr_expect_eq(address_ranges_parse(many, &list, &error), STATUS_TOO_LARGE);
}

static bool same_group(const char *a, const char *b)
{
    const struct client_address first = address_of(a);
    const struct client_address second = address_of(b);
    const struct client_address first_group = client_address_group(&first);
    const struct client_address second_group = client_address_group(&second);
    return memcmp(&first_group, &second_group, sizeof first_group) == 0;
}

Test(client_address, a_client_is_an_address_or_a_network_of_64_bits)
{
    cr_expect(same_group("1.2.3.4", "::ffff:1.2.3.4"));
    cr_expect(!same_group("1.2.3.4", "1.2.3.5"));
    cr_expect(same_group("2001:db8:1:2::1", "2001:db8:1:2:ffff::7"));
    cr_expect(!same_group("2001:db8:1:2::1", "2001:db8:1:3::1"));
}
