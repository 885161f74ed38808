// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The server, in one thread and without waiting for anybody. Bounded are: connections,
 * their memory (and with it the request), silence, and how long a connection may last:
 * who sends a byte now and then is not silent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <microhttpd.h>
#include "exporter.h"
#include "ticker.h"
#include "version.h"

/* Of a connection, in bytes and seconds. */
#define MEMORY		32768
#define SILENCE		5
#define LIFETIME_NS	10000000000ULL

struct connection {
	struct MHD_Connection *mhd;	/* NULL: free */
	__u64 start_ns;
	bool cut;
};

struct http {
	struct MHD_Daemon *daemon;
	struct state *state;
	unsigned int nr;
	struct connection connections[];
};

static const char page[] =
	"<!DOCTYPE html>\n"
	"<html><head><title>ioasid-exporter</title></head><body>\n"
	"<h1>ioasid-exporter " IOASID_TOOLS_VERSION "</h1>\n"
	"<p>What the ioasid driver does, for Prometheus: <a href=\"/metrics\">/metrics</a></p>\n"
	"<p><a href=\"/-/healthy\">/-/healthy</a>: this program answers. "
	"<a href=\"/-/ready\">/-/ready</a>: it has data.</p>\n"
	"</body></html>\n";

/* The q of a media type in an Accept header, -1 when it is not there. */
static double quality(const char *accept, const char *type)
{
	size_t len = strlen(type);
	const char *at, *end, *q;

	for (at = accept; at; at = *end ? end + 1 : NULL) {
		at += strspn(at, " \t");
		end = at + strcspn(at, ",");
		if (strncasecmp(at, type, len) || !strchr("; \t,", at[len]))
			continue;
		for (q = at + len; q < end; q++)
			if (!strncasecmp(q, ";q=", 3))
				return strtod(q + 3, NULL);
		return 1;
	}
	return -1;
}

bool http__wants_old(const char *accept)
{
	double wanted = accept ? quality(accept, "application/openmetrics-text") : -1;

	return wanted <= 0 || wanted < quality(accept, "text/plain");
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned int status,
			     struct MHD_Response *response, const char *type)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned int status,
			   const char *text)
{
	return reply(connection, status,
		     MHD_create_response_from_buffer(strlen(text), (void *)text,
						     MHD_RESPMEM_PERSISTENT),
		     text == page ? "text/html; charset=utf-8" : "text/plain; charset=utf-8");
}

static enum MHD_Result send_metrics(struct http *http, struct MHD_Connection *connection)
{
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	bool old = http__wants_old(accept);
	struct MHD_Response *response;
	size_t size;
	char *text;

	if (state__metrics(http->state, old, &text, &size))
		return say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory\n");
	response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(text);
	return reply(connection, MHD_HTTP_OK, response,
		     old ? PROMETHEUS_CONTENT_TYPE : OPENMETRICS_CONTENT_TYPE);
}

static enum MHD_Result answer(struct http *http, struct MHD_Connection *connection,
			      const char *url, const char *method)
{
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (!strcmp(url, "/metrics"))
		return send_metrics(http, connection);
	if (!strcmp(url, "/"))
		return say(connection, MHD_HTTP_OK, page);
	if (!strcmp(url, "/-/healthy"))
		return say(connection, MHD_HTTP_OK, "OK\n");
	if (!strcmp(url, "/-/ready"))
		return http->state->connected && http->state->snap ?
			say(connection, MHD_HTTP_OK, "OK\n") :
			say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no data yet\n");
	return say(connection, MHD_HTTP_NOT_FOUND, "there is /metrics\n");
}

/* Called when the head is there, and again for each part of a body and at its end. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_size, void **request)
{
	static char seen;

	(void)version;
	(void)data;
	if (*data_size)
		return MHD_NO;	/* nobody has anything to tell us: closes */
	if (!*request) {
		*request = &seen;
		return MHD_YES;
	}
	return answer(arg, connection, url, method);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **socket_context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http *http = arg;

	(void)socket_context;
	for (unsigned int i = 0; i < http->nr; i++) {
		struct connection *connection = &http->connections[i];

		if (what == MHD_CONNECTION_NOTIFY_STARTED && !connection->mhd) {
			*connection = (struct connection){ .mhd = mhd, .start_ns = now_ns() };
			return;
		}
		if (what == MHD_CONNECTION_NOTIFY_CLOSED && connection->mhd == mhd) {
			connection->mhd = NULL;
			return;
		}
	}
}

/* Those that are older than they may get see the end of the connection. */
static void cut(struct http *http)
{
	__u64 now = now_ns();

	for (unsigned int i = 0; i < http->nr; i++) {
		struct connection *connection = &http->connections[i];
		const union MHD_ConnectionInfo *info;

		if (!connection->mhd || connection->cut ||
		    now - connection->start_ns < LIFETIME_NS)
			continue;
		info = MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		if (!info)
			continue;
		shutdown(info->connect_fd, SHUT_RDWR);
		connection->cut = true;
		http->state->cut++;
	}
}

int http__open(struct http **out, struct state *state, int listener)
{
	unsigned int nr = state->options->connections;
	struct http *http = calloc(1, sizeof(*http) + nr * sizeof(http->connections[0]));

	if (!http)
		return -ENOMEM;
	http->state = state;
	http->nr = nr;
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL,
					on_request, http,
					MHD_OPTION_LISTEN_SOCKET, listener,
					MHD_OPTION_CONNECTION_LIMIT, nr,
					MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SILENCE,
					MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
					MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
					MHD_OPTION_END);
	if (!http->daemon) {
		free(http);
		return -EIO;
	}
	*out = http;
	return 0;
}

void http__close(struct http *http)
{
	if (!http)
		return;
	MHD_stop_daemon(http->daemon);
	free(http);
}

int http__fd(const struct http *http)
{
	return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

/* A second is often enough to look for those that last too long. */
int http__timeout_ms(const struct http *http)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	if (MHD_get_timeout(http->daemon, &timeout) == MHD_YES && timeout < 1000)
		return timeout;
	return 1000;
}

void http__run(struct http *http)
{
	cut(http);
	MHD_run(http->daemon);
}
