/* SPDX-License-Identifier: MIT */
/*
 * Arguments, and which role this process has: the launcher that the caller waits for; the parent; run again by the
 * parent, the engine; or, with a service manager, either the engine or who has root beside them (root.h).
 *
 * Detached is the normal case: the launcher forks the parent into a session of its own and waits for its one byte,
 * which says that the interface is there and the UAPI socket answers. Anything else is failure, and the parent has said
 * why on the caller's stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <net/if.h>

#include "config.h"
#include "engine.h"
#include "log.h"
#include "offload.h"
#include "parent.h"
#include "pool.h"
#include "root.h"
#include "seat.h"
#include "version.h"

#ifdef BENCH_RELAY
#define VERSION TNL_VERSION " (relay for benchmarks: NOTHING IS ENCRYPTED)"
#else
#define VERSION TNL_VERSION
#endif

enum { EXIT_USAGE = 2 };	/* and errors in the configuration file */

static const char usage_text[] =
	"usage: tunneld [-fqtv] [-c FILE | -p DIR] [-w COUNT] [-s RULE] INTERFACE\n"
	"  -f, --foreground   stay in the foreground, log to stderr\n"
	"  -c, --config FILE  bring up what FILE says (the format of wg-quick), and FILE's peers in *.d/*.peer\n"
	"  -p, --parts DIR    instead of -c, and with -f: be the part without root; who has it listens at\n"
	"                     DIR/INTERFACE.root, as a unit of systemd does, and the engine at DIR/INTERFACE.engine\n"
	"  -w, --workers COUNT  threads for packets, 1 to 32; else Workers of FILE, else one for each processor\n"
	"  -s, --share RULE   do workers share the packets of one busy peer: auto, never, always\n"
	"  -t, --test         read FILE as for a start, with -p: of a service, say what is wrong, and start nothing\n"
	"  -q, --quiet        log errors only\n"
	"  -v, --verbose      log everything, addresses included\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n"
	"Without -f it returns once the interface is there. Without -c the interface is empty and down, for wg(8).\n";

/* What wg-quick allows; stricter than the kernel, and safe as a part of a file name. */
static bool name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=+.-";
	size_t len = strlen(name);

	return len > 0 && len < IFNAMSIZ && strspn(name, allowed) == len && strcmp(name, ".") && strcmp(name, "..");
}

/* Standard streams exist, and nothing else that the caller had open. */
static void tidy_descriptors(unsigned first)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	close_range(first, ~0U, 0);
}

/* The channel is there, or comes by the first connection to the socket that a service manager hands over. */
static int run_engine(void)
{
	int fd;

	tidy_descriptors(ENGINE_CHANNEL + 1);
	prctl(PR_SET_NAME, "tunneld");	/* we were run as /proc/self/exe */
	log_open("engine", LEVEL_INFO);
	if (seat_given()) {
		fd = seat_accept();
		if (fd < 0)
			die("no channel: %s", strerror(-fd));
		if (fd != ENGINE_CHANNEL && dup3(fd, ENGINE_CHANNEL, O_CLOEXEC) < 0)
			die("no channel: %m");
		tidy_descriptors(ENGINE_CHANNEL + 1);
	}
	return engine_main();
}

static int run_root(const char *file, const char *name)
{
	tidy_descriptors(SEAT_GIVEN + 1);
	log_open(name, LEVEL_INFO);
	return root_main(file, name);
}

static int launch(struct parent_args *args)
{
	int ready[2], status;
	ssize_t n;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("cannot make a pipe: %m");
	pid = fork();
	if (pid < 0)
		die("cannot fork: %m");
	if (pid == 0) {
		close(ready[0]);
		if (setsid() < 0 || chdir("/") < 0)
			die("cannot detach: %m");
		args->ready_fd = ready[1];
		return parent_main(args);
	}
	close(ready[1]);
	config_free(args->config);
	do {
		n = read(ready[0], &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1;
}

struct options {
	const char *name, *file, *parts;
	unsigned workers;
	enum judge_rule share;
	bool foreground, test;
	enum log_level level;
};

static bool parse_count(const char *text, unsigned *ret)
{
	size_t len = strlen(text);
	unsigned long n = strtoul(text, NULL, 10);

	if (len < 1 || len > 2 || strspn(text, "0123456789") != len || n < 1 || n > POOL_MAX)
		return false;
	*ret = (unsigned)n;
	return true;
}

static bool parse_rule(const char *text, enum judge_rule *ret)
{
	static const char *const names[] = {
		[JUDGE_AUTO] = "auto", [JUDGE_NEVER] = "never", [JUDGE_ALWAYS] = "always",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int usage(void)
{
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

/* Returns an exit status, or -1 to go on. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"foreground", no_argument, NULL, 'f'}, {"config", required_argument, NULL, 'c'},
		{"workers", required_argument, NULL, 'w'}, {"quiet", no_argument, NULL, 'q'},
		{"parts", required_argument, NULL, 'p'},
		{"share", required_argument, NULL, 's'}, {"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},	{"version", no_argument, NULL, 'V'},
		{"test", no_argument, NULL, 't'},	{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "fc:p:w:s:tqvhV", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			o->foreground = true;
			break;
		case 'c':
			o->file = optarg;
			break;
		case 'p':
			o->parts = optarg;
			break;
		case 'w':
			if (!parse_count(optarg, &o->workers)) {
				log_error("--workers %.32s: it is a number, 1 to %u", optarg, POOL_MAX);
				return EXIT_USAGE;
			}
			break;
		case 's':
			if (!parse_rule(optarg, &o->share)) {
				log_error("--share %.32s: it is auto, never or always", optarg);
				return EXIT_USAGE;
			}
			break;
		case 't':
			o->test = true;
			break;
		case 'q':
			o->level = LEVEL_ERROR;
			break;
		case 'v':
			o->level = LEVEL_DEBUG;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		case 'V':
			puts("tunneld " VERSION);
			return 0;
		default:
			return usage();
		}
	}
	if (argc - optind != 1 || (o->test ? !o->file : o->parts && (o->file || !o->foreground)))
		return usage();
	o->name = argv[optind];
	return -1;
}

/* The daemon leaves the directory that we are in, and reads the file again when told to. Links stay links, since they
 * may be set anew by then. */
static const char *absolute(const char *file)
{
	char here[PATH_MAX], *ret;

	if (file[0] == '/')
		return file;
	if (!getcwd(here, sizeof(here)) || asprintf(&ret, "%s/%s", here, file) < 0)
		die("%s: %m", file);
	return ret;
}

/* 0, or an exit status. */
static int meet_parts(const char *dir, struct parent_args *args)
{
	struct root root;
	char *path, *engine;
	int status;

	if (asprintf(&path, "%s/%s.root", dir, args->name) < 0 ||
	    asprintf(&engine, "%s/%s.engine", dir, args->name) < 0)
		die("out of memory");
	status = root_ask(path, &root);
	free(path);
	args->file = root.file;
	args->config = root.config;
	args->reader = root.reader;
	args->hooks = root.hooks;
	args->engine = engine;
	return status;
}

int main(int argc, char **argv)
{
	struct options o = {.level = LEVEL_INFO};
	struct parent_args args = {.ready_fd = -1, .version = VERSION};
	const char *level = getenv("LOG_LEVEL"), *no_offload = getenv(OFFLOAD_ENV);
	int status;

	if (argc == 2 && !strcmp(argv[1], "--engine"))
		return run_engine();
	if (argc == 4 && !strcmp(argv[1], "--root") && name_valid(argv[3]))
		return run_root(argv[2], argv[3]);
	if (level)
		log_level_parse(level, &o.level);
	status = parse_options(argc, argv, &o);
	if (status >= 0)
		return status;
	if (!name_valid(o.name)) {
		log_error("\"%.32s\" is not the name of an interface: 1 to 15 letters, digits, _ = + . -", o.name);
		return EXIT_USAGE;
	}
	tidy_descriptors(STDERR_FILENO + 1);
	log_open(o.name, o.level);
#ifdef BENCH_RELAY
	log_error("THIS BUILD ENCRYPTS NOTHING AND TRUSTS ANY PACKET: it is for benchmarks only");
#endif
	args.name = o.name;
	args.workers = o.workers;
	args.share = o.share;
	if (no_offload && !offload_parse(no_offload, &args.no_offload)) {
		log_error(OFFLOAD_ENV ": some of vnet, csum, tso, uso, gso, gro, lanes, uring, or all");
		return EXIT_USAGE;
	}
	if (o.parts && !o.test) {
		status = meet_parts(o.parts, &args);
		if (status)
			return status;
	}
	if (o.file) {
		args.file = absolute(o.file);
		args.config = o.test && o.parts ? config_judge(o.file, stderr) : config_load(o.file, stderr);
		if (!args.config)
			return EXIT_USAGE;
	}
	if (o.test) {
		config_free(args.config);
		return 0;
	}
	return o.foreground ? parent_main(&args) : launch(&args);
}
