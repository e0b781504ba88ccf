/* admin - what a server tells those who run it, on an address of its own.
 *
 *     GET /         how it is, for people: status_page.h
 *     GET /healthz  200 as long as the process answers
 *     GET /readyz   200 when requests should be sent here, else 503 and why not, a line each
 *     GET /metrics  metrics_page.h
 *
 * Nothing of it is to be had from the address that devices ask.
 *
 * Privacy  figures and names of apps and use cases; nothing of a user, token or key.
 * Threads  any. */
#ifndef BLINDLIST_SERVICE_ADMIN_H
#define BLINDLIST_SERVICE_ADMIN_H

#include "pir-server/service/http_server.h"
#include "pir-server/service/service.h"

#define ADMIN_THREADS     1
#define ADMIN_CONNECTIONS 64

struct admin;
/* Borrows the service. Not ready before admin_serves(). A thread looks at the server from now on
 * (monitor.h). */
enum status admin_new(struct service *service, struct admin **ret, struct error *err) MUST_CHECK;
/* Its handler is not called any more. Takes NULL. */
void admin_free(struct admin *admin);

/* For the listener of the admin address; borrows. */
struct http_handler admin_handler(struct admin *admin);
/* For that listener. */
struct http_server_options admin_server_options(const char *address);

/* The listener for devices, which takes requests from now on; borrowed until admin_free(). */
void admin_serves(struct admin *admin, struct http_server *server);
/* The server ends: no more requests should be sent here. Takes NULL. */
void admin_drains(struct admin *admin);

#endif
