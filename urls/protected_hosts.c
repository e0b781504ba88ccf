#include "urls/protected_hosts.h"

#include "base/mem.h"
#include "urls/key_cover.h"
#include "urls/url.h"

/* Of the source, those that devices ask themselves: activation and set-up, push, management,
 * updates, the App Store, accounts, iCloud, the relays, Siri and search, certificates, names, time.
 * Not those of developers, administrators, diagnostics and caches of content, and not other
 * companies' certificates. appleid.apple.com stood in earlier editions. A parent stands for the
 * hosts below it.
 */
static const char *const apple_hosts[] = {
    "account.apple.com",
    "albert.apple.com",
    "app-site-association.networking.apple",
    "appattest.apple.com",
    "appldnld.apple.com",
    "apple-cloudkit.com",
    "apple-livephotoskit.com",
    "apple-mapkit.com",
    "apple-native-relay.apple.com",
    "apple-relay.apple.com",
    "apple-relay.cloudflare.com",
    "apple-relay.fastly-edge.com",
    "appleid.apple.com",
    "apps-marketplace.apple.com",
    "apps.apple.com",
    "apps.mzstatic.com",
    "apzones.com",
    "axm-adm-enroll.apple.com",
    "axm-adm-mdm.apple.com",
    "axm-adm-scep.apple.com",
    "axm-servicediscovery.apple.com",
    "captive.apple.com",
    "cdn-apple.com",
    "certs.apple.com",
    "configuration.apple.com",
    "cp4.cloudflare.com",
    "crl.apple.com",
    "deviceenrollment.apple.com",
    "deviceservices-external.apple.com",
    "doh.dns.apple.com",
    "gc.apple.com",
    "gdmf-ados.apple.com",
    "gdmf.apple.com",
    "gg.apple.com",
    "gs.apple.com",
    "gsa.apple.com",
    "gsra.apple.com",
    "guzzoni.apple.com",
    "humb.apple.com",
    "icloud-content.com",
    "icloud.apple.com",
    "icloud.com",
    "icloud.com.cn",
    "identity.apple.com",
    "idmsa.apple.com",
    "ig.apple.com",
    "iprofiles.apple.com",
    "itunes.apple.com",
    "iwork.apple.com",
    "mdmenrollment.apple.com",
    "mesu.apple.com",
    "mzstatic.com",
    "ocsp.apple.com",
    "ocsp2.apple.com",
    "oscdn.apple.com",
    "osrecovery.apple.com",
    "ppq.apple.com",
    "push.apple.com",
    "skl.apple.com",
    "smoot.apple.com",
    "sq-device.apple.com",
    "static.ips.apple.com",
    "swcdn.apple.com",
    "swdist.apple.com",
    "swdownload.apple.com",
    "swscan.apple.com",
    "tbsc.apple.com",
    "time-ios.apple.com",
    "time-macos.apple.com",
    "time.apple.com",
    "token.safebrowsing.apple",
    "valid.apple.com",
    "wkms-public.apple.com",
    "xp.apple.com",
};

struct protected_host {
    uint8_t *text;
    size_t size;
    size_t base_start; /* of its last two labels; 0 for an address */
    enum drop_reason reason;
};

struct protected_hosts {
    struct protected_host *hosts;
    size_t count;
    size_t *bases; /* [base_count]: hosts with all different last two labels */
    size_t base_count;
    size_t own_count;
    struct url url; /* workspace of the filling */
};

enum status protected_hosts_new(struct protected_hosts **ret, struct error *err)
{
    struct protected_hosts *hosts = mem_alloc_zeroed(1, sizeof *hosts);
    if (hosts == NULL)
        return error_set(err, STATUS_NOMEM, "protected hosts: out of memory");
    *ret = hosts;
    return STATUS_OK;
}

void protected_hosts_free(struct protected_hosts *hosts)
{
    if (hosts == NULL)
        return;
    for (size_t i = 0; i < hosts->count; i++)
        mem_free(hosts->hosts[i].text);
    mem_free(hosts->hosts);
    mem_free(hosts->bases);
    mem_free(hosts);
}

static struct span host_of(const struct protected_host *host)
{
    return span_of(host->text, host->size);
}

static struct span base_of(const struct protected_host *host)
{
    return span_of(host->text + host->base_start, host->size - host->base_start);
}

/* Is there a host whose last two labels are those of `host`? */
static bool has_base(const struct protected_hosts *hosts, struct span host)
{
    for (size_t i = 0; i < hosts->base_count; i++) {
        const struct span base = base_of(&hosts->hosts[hosts->bases[i]]);
        if (host.size < base.size)
            continue;
        const size_t start = host.size - base.size;
        if ((start == 0 || host.data[start - 1] == '.') &&
            memcmp(host.data + start, base.data, base.size) == 0)
            return true;
    }
    return false;
}

/* Where the last two labels start. */
static size_t base_start(struct span host)
{
    size_t start = host.size;
    for (unsigned dots = 0; start > 0; start--) {
        dots += host.data[start - 1] == '.';
        if (dots == 2)
            break;
    }
    return start;
}

/* `host` in canonical form. */
static enum status add(struct protected_hosts *hosts, struct span host, bool is_address,
                       enum drop_reason reason, struct error *err)
{
    struct protected_host *more = mem_realloc(hosts->hosts, hosts->count + 1, sizeof *hosts->hosts);
    if (more == NULL)
        goto no_memory;
    hosts->hosts = more;
    size_t *bases = mem_realloc(hosts->bases, hosts->base_count + 1, sizeof *hosts->bases);
    if (bases == NULL)
        goto no_memory;
    hosts->bases = bases;
    uint8_t *text = mem_alloc(host.size, 1);
    if (text == NULL)
        goto no_memory;
    memcpy(text, host.data, host.size);
    if (!has_base(hosts, host))
        bases[hosts->base_count++] = hosts->count;
    hosts->hosts[hosts->count++] =
        (struct protected_host){.text = text,
                                .size = host.size,
                                .base_start = is_address ? 0 : base_start(host),
                                .reason = reason};
    return STATUS_OK;
no_memory:
    return error_set(err, STATUS_NOMEM, "protected hosts: out of memory at %zu", hosts->count);
}

enum status protected_hosts_add_apple(struct protected_hosts *hosts, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ARRAY_COUNT(apple_hosts) && status == STATUS_OK; i++)
        status = add(hosts, span_of_text(apple_hosts[i]), false, DROP_APPLE_HOST, err);
    return status;
}

enum status protected_hosts_add_own(struct protected_hosts *hosts, struct span url,
                                    struct error *err)
{
    const enum drop_reason reason = url_parse(url, &hosts->url);
    if (reason != DROP_NONE)
        return error_set(err, STATUS_INVALID, "protected host: %s", drop_reason_text(reason));
    const struct span host = url_host(&hosts->url);
    if (!hosts->url.is_address && memchr(host.data, '.', host.size) == NULL)
        return error_set(err, STATUS_INVALID, "protected host: %s",
                         drop_reason_text(DROP_SINGLE_LABEL));
    if (hosts->own_count == PROTECTED_HOSTS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "more than %zu protected hosts",
                         PROTECTED_HOSTS_MAX);
    const enum status status = add(hosts, host, hosts->url.is_address, DROP_OWN_HOST, err);
    hosts->own_count += status == STATUS_OK;
    return status;
}

/* A key with a path on a parent domain blocks that path only. */
enum drop_reason protected_hosts_check(const struct protected_hosts *hosts, struct span key)
{
    if (!has_base(hosts, span_part(key, 0, key_host_size(key))))
        return DROP_NONE;
    for (size_t i = 0; i < hosts->count; i++) {
        const struct span host = host_of(&hosts->hosts[i]);
        const struct span key_host = span_part(key, 0, key_host_size(key));
        const bool has_path = key.size > key_host.size && memchr(key.data, '/', key.size) != NULL;
        if (key_covers(host, key) || (!has_path && key_covers(key_host, host)))
            return hosts->hosts[i].reason;
    }
    return DROP_NONE;
}
