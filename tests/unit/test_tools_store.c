/* SPDX-License-Identifier: MIT */
/*
 * Old or new, never mixed: every system call that store makes is counted, and in a child process the n-th one either
 * ends the process (the power cut) or fails, for every n. The linker puts our functions in front of libc's, see
 * tests/ctl.mk.
 */
#include "../../tools/store.h"
#include "suite.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEPS_MAX = 40, STEP_NEVER = 1 << 20, BIG = 300000 };
enum mode { CUT, FAIL };

static int step, trip = STEP_NEVER;
static enum mode mode;
static bool synced_file, synced_dir;
static char dir[64], path[128];

ssize_t __real_write(int fd, const void *data, size_t len);
int __real_fsync(int fd);
int __real_renameat(int a, const char *x, int b, const char *y);
int __real_unlinkat(int fd, const char *name, int flags);
int __real_openat(int fd, const char *name, int flags, ...);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __wrap_fsync(int fd);
int __wrap_renameat(int a, const char *x, int b, const char *y);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __wrap_openat(int fd, const char *name, int flags, ...);

/* True: this call is to fail. */
static bool tripped(void)
{
	if (step++ != trip)
		return false;
	if (mode == CUT)
		_exit(77);
	errno = EIO;
	return true;
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	if (tripped()) {
		errno = ENOSPC;
		return -1;
	}
	/* A cut may come in the middle of the bytes. */
	return __real_write(fd, data, len > 1000 ? len / 2 : len);
}

int __wrap_fsync(int fd)
{
	struct stat st;

	if (tripped())
		return -1;
	ck_assert_int_eq(fstat(fd, &st), 0);
	*(S_ISDIR(st.st_mode) ? &synced_dir : &synced_file) = true;
	return __real_fsync(fd);
}

int __wrap_renameat(int a, const char *x, int b, const char *y)
{
	if (tripped())
		return -1;
	ck_assert_msg(synced_file, "renamed before the file was flushed");
	return __real_renameat(a, x, b, y);
}

int __wrap_unlinkat(int fd, const char *name, int flags)
{
	return tripped() ? -1 : __real_unlinkat(fd, name, flags);
}

int __wrap_openat(int fd, const char *name, int flags, ...)
{
	va_list ap;
	mode_t m;

	va_start(ap, flags);
	m = va_arg(ap, mode_t);
	va_end(ap);
	return tripped() ? -1 : __real_openat(fd, name, flags, m);
}

static void clean_directory(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char name[512];

	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", dir, e->d_name);
		unlink(name);
	}
	if (d)
		closedir(d);
}

static void setup(void)
{
	strcpy(dir, "/tmp/store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/anna.peer", dir);
	step = 0;
	trip = STEP_NEVER;
	synced_file = synced_dir = false;
}

static void teardown(void)
{
	clean_directory();
	ck_assert_int_eq(rmdir(dir), 0);
}

static void expect_content(const char *want, size_t want_len)
{
	char *data;
	size_t len;

	ck_assert_int_eq(store_read(path, &data, &len), 0);
	ck_assert_uint_eq(len, want_len);
	ck_assert_mem_eq(data, want, len);
	ck_assert_int_eq(data[len], 0);
	store_free(data, len);
}

/* How many files the directory holds whose name does not begin with a dot. */
static unsigned visible(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

START_TEST(store_writes_what_it_is_given)
{
	struct stat st;

	ck_assert_int_eq(store_write(path, "one\n", 4), 0);
	expect_content("one\n", 4);
	ck_assert(synced_file && synced_dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(store_write(path, "", 0), 0);
	expect_content("", 0);
	ck_assert_uint_eq(visible(), 1);
}
END_TEST

START_TEST(store_makes_the_directory)
{
	char sub[160];
	struct stat st;

	snprintf(sub, sizeof(sub), "%s/wg0.d/x.peer", dir);
	ck_assert_int_eq(store_write(sub, "x", 1), 0);
	ck_assert_int_eq(store_remove(sub), 0);
	ck_assert_int_eq(store_remove(sub), -ENOENT);
	*strrchr(sub, '/') = 0;
	ck_assert_int_eq(stat(sub, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(rmdir(sub), 0);
}
END_TEST

/* Runs one write of `data` with a trip at step n in a child; its exit status: 77 when cut, else -result of store. */
static int write_in_child(int n, enum mode m, const char *data, size_t len)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		step = 0;
		trip = n;
		mode = m;
		_exit(-store_write(path, data, len));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(store_survives_a_cut_at_every_step)
{
	static char old[BIG], new[BIG];
	int n, cuts = 0, result = 77;

	memset(old, 'o', sizeof(old));
	memset(new, 'n', sizeof(new));
	for (n = 0; n < STEPS_MAX && result == 77; n++) {
		char *data;
		size_t len;

		clean_directory();
		ck_assert_int_eq(store_write(path, old, sizeof(old)), 0);
		result = write_in_child(n, CUT, new, sizeof(new));
		cuts += result == 77;
		ck_assert_int_eq(store_read(path, &data, &len), 0);
		ck_assert_uint_eq(len, BIG);
		ck_assert(!memcmp(data, old, BIG) || !memcmp(data, new, BIG));
		ck_assert_uint_eq(visible(), 1);
		if (result != 77)
			ck_assert_mem_eq(data, new, BIG);
		store_free(data, len);
		/* What the cut left behind is in nobody's way. */
		ck_assert_int_eq(store_write(path, old, sizeof(old)), 0);
		expect_content(old, sizeof(old));
	}
	ck_assert_int_eq(result, 0);
	ck_assert_int_ge(cuts, 6);	/* unlink, open, writes, fsync, rename, fsync */
}
END_TEST

START_TEST(store_reports_every_failure_and_keeps_the_old)
{
	int n, fails = 0, result = 1;

	for (n = 0; n < STEPS_MAX && result; n++) {
		char *data;
		size_t len;

		clean_directory();
		ck_assert_int_eq(store_write(path, "old", 3), 0);
		result = write_in_child(n, FAIL, "new", 3);
		ck_assert_int_eq(store_read(path, &data, &len), 0);
		if (result) {
			fails++;
			ck_assert(result == EIO || result == ENOSPC);
		}
		/* Only when flushing the directory is what failed may the new one be there already. */
		if (!result)
			ck_assert_str_eq(data, "new");
		else
			ck_assert(!strcmp(data, "old") || fails == 6);
		store_free(data, len);
	}
	ck_assert_int_eq(result, 0);
	ck_assert_int_eq(fails, 6);
}
END_TEST

START_TEST(store_refuses_what_is_no_file)
{
	char *data;
	size_t len;

	ck_assert_int_eq(store_read(dir, &data, &len), -EISDIR);
	ck_assert_int_eq(store_read("/dev/null", &data, &len), -ENOTSUP);
	ck_assert_int_eq(store_read("/nonexistent/x", &data, &len), -ENOENT);
	ck_assert_int_eq(store_write("/nonexistent/sub/x", "x", 1), -ENOENT);
	ck_assert_int_eq(store_remove("/nonexistent/x"), -ENOENT);
}
END_TEST

/* What comes by a pipe, in pieces and more than a buffer; and no more than a file may have. */
START_TEST(store_reads_a_pipe)
{
	char *data;
	size_t len, at = 0;
	int ends[2], status;
	char line[16];
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (!child) {
		close(ends[0]);
		for (unsigned i = 0; i < 100000; i++)
			dprintf(ends[1], "%u\n", i);
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_ge(dup2(ends[0], STDIN_FILENO), 0);
	close(ends[0]);
	ck_assert_int_eq(store_read_any("-", &data, &len), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	for (unsigned i = 0; i < 100000; i++) {
		size_t part = (size_t)snprintf(line, sizeof(line), "%u\n", i);

		ck_assert(at + part <= len && !memcmp(data + at, line, part));
		at += part;
	}
	ck_assert_uint_eq(len, at);
	store_free(data, len);
	ck_assert_int_eq(store_read_any("-", &data, &len), 0);
	ck_assert_uint_eq(len, 0);
	store_free(data, len);
	ck_assert_int_eq(store_read_any("/dev/zero", &data, &len), -EFBIG);
	ck_assert_int_eq(store_read_any(dir, &data, &len), -EISDIR);
	ck_assert_int_eq(store_read_any("/nonexistent/x", &data, &len), -ENOENT);
}
END_TEST

START_TEST(store_follows_no_link_left_as_temporary)
{
	char link[160], victim[160];
	struct stat st;

	snprintf(link, sizeof(link), "%s/.anna.peer.new", dir);
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	ck_assert_int_eq(symlink(victim, link), 0);
	ck_assert_int_eq(store_write(path, "new", 3), 0);
	ck_assert_int_eq(stat(victim, &st), -1);
	expect_content("new", 3);
}
END_TEST

START_TEST(store_lock_excludes_and_is_bounded)
{
	int first, second;
	char sub[160];

	ck_assert_int_eq(store_lock(dir, "wg0", 0, &first), 0);
	ck_assert_int_eq(store_lock(dir, "wg0", 30, &second), -EBUSY);
	ck_assert_int_eq(store_lock(dir, "wg1", 0, &second), 0);
	close(second);
	close(first);
	ck_assert_int_eq(store_lock(dir, "wg0", 0, &second), 0);
	close(second);
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	ck_assert_int_eq(store_lock(sub, "wg0", 0, &second), 0);
	close(second);
	snprintf(sub, sizeof(sub), "%s/sub/wg0.lock", dir);
	unlink(sub);
	*strrchr(sub, '/') = 0;
	rmdir(sub);
}
END_TEST

START_TEST(store_lock_ends_with_its_process)
{
	pid_t pid = fork();
	int fd, status;

	if (!pid)
		_exit(-store_lock(dir, "wg0", 0, &fd));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(store_lock(dir, "wg0", 0, &fd), 0);
	close(fd);
}
END_TEST

/* Somebody else's directory in the place of ours, as in /run/lock, where everybody may make one. */
static void squat(const char *place, const char *aside, int how)
{
	char lock[200];
	int fd = -1;

	snprintf(lock, sizeof(lock), "%s/wg0.lock", how ? aside : place);
	ck_assert_int_eq(mkdir(how ? aside : place, 0777), 0);
	if (how)
		ck_assert_int_eq(symlink(aside, place), 0);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(chown(how ? aside : place, 65534, 65534), 0);
}

START_TEST(store_lock_is_nobody_elses)
{
	char place[160], aside[160], command[400];
	int fd, second;
	struct stat st;

	if (geteuid() != 0)
		return;		/* only root can be told from somebody else, and move him */
	snprintf(place, sizeof(place), "%s/lock", dir);
	snprintf(aside, sizeof(aside), "%s/aside", dir);
	squat(place, aside, _i);
	ck_assert_int_eq(store_lock(place, "wg0", 0, &fd), 0);
	ck_assert_int_eq(lstat(place, &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_int_eq(store_lock(place, "wg0", 0, &second), -EBUSY);
	close(fd);
	snprintf(command, sizeof(command), "rm -rf '%s'/*", dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_store");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, store_writes_what_it_is_given);
	tcase_add_test(tc, store_makes_the_directory);
	tcase_add_test(tc, store_survives_a_cut_at_every_step);
	tcase_add_test(tc, store_reports_every_failure_and_keeps_the_old);
	tcase_add_test(tc, store_refuses_what_is_no_file);
	tcase_add_test(tc, store_reads_a_pipe);
	tcase_add_test(tc, store_follows_no_link_left_as_temporary);
	tcase_add_test(tc, store_lock_excludes_and_is_bounded);
	tcase_add_test(tc, store_lock_ends_with_its_process);
	tcase_add_loop_test(tc, store_lock_is_nobody_elses, 0, 2);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
