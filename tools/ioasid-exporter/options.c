// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "arg.h"
#include "collect.h"
#include "exporter.h"
#include "version.h"

#define DEFAULT_LISTEN	"127.0.0.1:9742"

enum {
	OPT_LISTEN = 256, OPT_COLLECTOR, OPT_USER, OPT_NO_BPF, OPT_MEMORY, OPT_VERBOSE,
	OPT_SPACES, OPT_HISTOGRAMS, OPT_CONNECTIONS,
};

static const struct argp_option option_table[] = {
	{ NULL, 0, NULL, 0, "Network:", 1 },
	{ "listen", OPT_LISTEN, "ADDR:PORT", 0,
	  "where to listen (" DEFAULT_LISTEN "); IPv6 as [ADDR]:PORT", 0 },
	{ "connections", OPT_CONNECTIONS, "N", 0, "how many at a time, 1 to 256 (16)", 0 },
	{ NULL, 0, NULL, 0, "Metrics:", 2 },
	{ "max-spaces", OPT_SPACES, "N", 0,
	  "spaces with samples of their own, 0 to 1000 (100); the rest is one, \"other\"", 0 },
	{ "space-histograms", OPT_HISTOGRAMS, NULL, 0, "histograms by space too", 0 },
	{ NULL, 0, NULL, 0, "Data:", 3 },
	{ "collector", OPT_COLLECTOR, "SOCKET", OPTION_ARG_OPTIONAL,
	  "take data from ioasid-collect (" COLLECT_SOCKET "), without any privilege", 0 },
	{ "interval", 'i', "SECONDS", 0, "time between readings, 0.05 to 3600 (1)", 0 },
	{ "no-bpf", OPT_NO_BPF, NULL, 0, "only the driver's counters, without latencies", 0 },
	{ "memory", OPT_MEMORY, "MIB", 0, "upper bound of the BPF maps' memory (64)", 0 },
	{ "user", OPT_USER, "USER", 0, "who to become when started as root (nobody)", 0 },
	{ NULL, 0, NULL, 0, "About:", 4 },
	{ "verbose", OPT_VERBOSE, NULL, 0, "show messages of the BPF loader", 0 },
	{ 0 },
};

static bool parse_address(const char *address, in_port_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return true;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return inet_pton(AF_INET6, address, &v6->sin6_addr) == 1;
}

static void parse_listen(struct argp_state *state, struct options *options, const char *text)
{
	const char *colon = strrchr(text, ':');
	char address[INET6_ADDRSTRLEN + 2] = "";
	size_t len = colon ? colon - text : 0;
	char *start = address;
	double port;

	if (!len || len >= sizeof(address))
		argp_error(state, "ADDR:PORT is for example " DEFAULT_LISTEN ", not '%s'", text);
	memcpy(address, text, len);
	if (*address == '[' && address[len - 1] == ']') {
		address[len - 1] = '\0';
		start++;
	} else if (strchr(address, ':')) {
		argp_error(state, "an IPv6 address stands in brackets: not '%s'", text);
	}
	port = arg__whole(state, "PORT", colon + 1, 1, 65535);
	if (!parse_address(start, port, &options->listen))
		argp_error(state, "'%s' is not the number of an address", start);
	options->listen_text = text;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case OPT_LISTEN:
		parse_listen(state, options, arg);
		break;
	case OPT_CONNECTIONS:
		options->connections = arg__whole(state, "N", arg, 1, 256);
		break;
	case OPT_SPACES:
		options->max_spaces = arg__whole(state, "N", arg, 0, OPENMETRICS_SPACES_MAX);
		break;
	case OPT_HISTOGRAMS:
		options->space_histograms = true;
		break;
	case OPT_COLLECTOR:
		options->socket = arg ? arg : COLLECT_SOCKET;
		break;
	case 'i':
		options->interval = arg__number(state, "SECONDS", arg, 0.05, 3600);
		break;
	case OPT_NO_BPF:
		options->gather.no_bpf = true;
		break;
	case OPT_MEMORY:
		options->gather.memory = arg__whole(state, "MIB", arg, COLLECT_MEMORY_MIN,
						    COLLECT_MEMORY_MAX);
		break;
	case OPT_USER:
		options->user = arg;
		break;
	case OPT_VERBOSE:
		options->gather.verbose = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		break;
	case ARGP_KEY_END:
		if (!options->listen_text)
			parse_listen(state, options, DEFAULT_LISTEN);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options__parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.doc = "Serves what the ioasid driver does as metrics for Prometheus, at /metrics."
		       "\vSIGHUP: let go of the driver, so that it can be unloaded. Exit status: 0 done, 1 failed, 2 wrong usage.",
	};

	*options = (struct options){
		.interval = 1, .gather.memory = COLLECT_MEMORY_DEFAULT, .user = "nobody",
		.max_spaces = OPENMETRICS_SPACES, .connections = 16,
	};
	argp_program_version = "ioasid-exporter " IOASID_TOOLS_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
