/* SPDX-License-Identifier: MIT */
/*
 * usage: TARGET FILE|DIRECTORY...
 *
 * Runs each file, and each file in each directory, through a fuzz target, without an engine. Inputs lie in memory of
 * exactly their length, so that a sanitizer sees the first byte read beyond. A child does the work and says through
 * shared memory how far it is; when an input kills it, or takes longer than SECONDS_MAX, that one is named and another
 * child goes on behind it. The last line counts.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INPUTS_MAX = 20000, SECONDS_MAX = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static char *input[INPUTS_MAX];
static unsigned inputs;

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void collect(const char *path)
{
	struct dirent **entry;
	struct stat st;
	int entries;

	if (stat(path, &st))
		die(path);
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOSPC;
		if (inputs == INPUTS_MAX || !(input[inputs++] = strdup(path)))
			die(path);
		return;
	}
	entries = scandir(path, &entry, NULL, alphasort);
	if (entries < 0)
		die(path);
	for (int i = 0; i < entries; i++) {
		char below[PATH_MAX];

		snprintf(below, sizeof(below), "%s/%s", path, entry[i]->d_name);
		if (entry[i]->d_name[0] != '.')
			collect(below);
		free(entry[i]);
	}
	free(entry);
}

static void run_one(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t size;

	if (!f || fstat(fileno(f), &st))
		die(path);
	size = (size_t)st.st_size;
	data = malloc(size);
	if (size && (!data || fread(data, 1, size, f) != size))
		die(path);
	fclose(f);
	alarm(SECONDS_MAX);
	LLVMFuzzerTestOneInput(data, size);
	alarm(0);
	free(data);
}

/* From input *at on; true when all were gone through. */
static bool run_child(volatile unsigned *at)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (!pid) {
		for (; *at < inputs; (*at)++)
			run_one(input[*at]);
		exit(EXIT_SUCCESS);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	volatile unsigned *at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned failed = 0;

	if (at == MAP_FAILED)
		die("mmap");
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		collect(argv[i]);
	if (!inputs) {
		fprintf(stderr, "%s: no input\n", argv[0]);
		return EXIT_FAILURE;
	}
	while (*at < inputs && !run_child(at)) {
		/* Behind the last one only the leak check can have failed. */
		printf("FAILED: %s %s\n", argv[0], *at < inputs ? input[*at] : "as a whole");
		failed++;
		(*at)++;
	}
	printf("%u passed, %u failed: %s\n", inputs > failed ? inputs - failed : 0, failed, argv[0]);
	for (unsigned i = 0; i < inputs; i++)
		free(input[i]);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
