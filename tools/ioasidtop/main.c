// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include "ioasidtop.h"
#include "json.h"
#include "quantile.h"

int stop_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void say(const char *what, bool yes, const char *remark)
{
	printf("%-28s %-4s %s\n", what, yes ? "yes" : "no", remark ? remark : "");
}

/* Whether BPF works is found out by doing it: nothing stays attached. */
static const char *try_bpf(const struct options *options, const struct probe *probe, char *why,
			   size_t size)
{
	const char *obstacle = probe__bpf_obstacle(probe);
	struct collect *collect;

	if (obstacle)
		return obstacle;
	if (collect__open(&collect, options->memory, options->verbose, why, size))
		return why;
	collect__close(collect);
	return NULL;
}

/* Found out by doing it, too: nothing stays attached. */
static void say_sources(const struct options *options, const struct probe *probe)
{
	char what[32], why[256];
	struct collect *collect;

	for (enum watch watch = 0; watch < NR_WATCHES; watch++) {
		snprintf(what, sizeof(what), "--source %s", watch__name(watch));
		if (watch__obstacle(watch, probe, why, sizeof(why)) ||
		    collect__open_watch(&collect, watch, probe, COLLECT_MEMORY_MIN,
					options->verbose, why, sizeof(why))) {
			say(what, false, why);
			continue;
		}
		say(what, true, watch == watch__choose(WATCH_AUTO, probe) ? "taken by auto" : NULL);
		collect__close(collect);
	}
}

int run_probe(const struct options *options, const struct probe *probe)
{
	struct collect_size size = collect__size(options->memory);
	char why[256], memory[160];
	const char *obstacle = try_bpf(options, probe, why, sizeof(why));

	if (options->format == FORMAT_JSON)
		return json__probe(stdout, probe, &size, obstacle) ? EXIT_FAILED : EXIT_OK;
	snprintf(memory, sizeof(memory),
		 "%llu MiB for %u operations on spaces, %u CPUs; percentiles within %g %%",
		 size.bytes >> 20, size.entries, size.cpus, HIST_ERROR_PERCENT);
	say("kernel", true, probe->kernel);
	say("driver loaded", probe->driver,
	    probe->driver ? NULL : probe__counters_obstacle(probe));
	say("counters of all contexts", probe->debugfs, probe__counters_obstacle(probe));
	say("CAP_BPF", probe->cap_bpf, NULL);
	say("CAP_PERFMON", probe->cap_perfmon, NULL);
	say("latencies (BPF raw_tp)", !obstacle, obstacle ? obstacle : memory);
	say_sources(options, probe);
	say("kernel BTF", probe->kernel_btf,
	    probe->kernel_btf ? NULL : "/sys/kernel/btf/vmlinux is missing: not needed by ioasidtop");
	say("driver BTF", probe->driver_btf,
	    probe->driver_btf ? NULL : "/sys/kernel/btf/ioasid is missing: not needed by ioasidtop");
	return EXIT_OK;
}

static void init_view(struct view *view, const struct options *options, const struct probe *probe)
{
	*view = (struct view){
		.sort = view__find_column("map"),
		.interval = options->interval,
		.kernel = options->nr_files ? "recorded" : probe->kernel,
		.pid = options->pid,
	};
	view__show(view, options->view);
	if (options->sort >= 0)
		view->sort = options->sort;
	view->ascending = view__column_ascends(view->sort) != options->reverse;
	if (options->filter)
		snprintf(view->filter, sizeof(view->filter), "%s", options->filter);
	view->space = options->ioasid;
	view->ctx = options->ctx;
	view->ioasid = options->ioasid;
}

static int run(const struct options *options, const struct probe *probe)
{
	static struct trail trail;
	struct sources sources = { 0 };
	struct view view;
	int status;

	init_view(&view, options, probe);
	view.trail = &trail;
	status = sources__open(&sources, options, probe);
	sources__tell(&sources, &view);
	if (status == EXIT_OK)
		status = options->batch ? run_batch(options, &sources, &view, &trail) :
					  run_screen(options, probe, &sources, &view, &trail);
	if (status == EXIT_OK && sources.record_err)
		status = EXIT_FAILED;
	sources__close(&sources);
	trail__clear(&trail);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct probe probe;

	options__parse(&options, argc, argv);
	probe__run(&probe);
	return options.probe ? run_probe(&options, &probe) : run(&options, &probe);
}
