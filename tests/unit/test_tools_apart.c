/* SPDX-License-Identifier: MIT */
/* What is said when the kernel refuses namespaces: the setting that forbids them, or else what the error may mean. */
#include "../../tools/apart.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char proc[32];

static void path_of(const char *name, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/sys/%s", proc, name);
}

static void set(const char *name, const char *value)
{
	char path[PATH_MAX];
	FILE *f;

	path_of(name, path);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "%s\n", value);
	fclose(f);
}

static void unset(const char *name)
{
	char path[PATH_MAX];

	path_of(name, path);
	ck_assert_int_eq(unlink(path), 0);
}

static const char *const dirs[] = { "", "kernel", "user" };
enum { DIRS = sizeof(dirs) / sizeof(dirs[0]) };

static void setup(void)
{
	char path[PATH_MAX];

	strcpy(proc, "/tmp/test_apart.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(proc));
	for (unsigned i = 0; i < DIRS; i++) {
		path_of(dirs[i], path);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
}

static void teardown(void)
{
	char path[PATH_MAX];

	for (unsigned i = DIRS; i--;) {
		path_of(dirs[i], path);
		ck_assert_int_eq(rmdir(path), 0);
	}
	ck_assert_int_eq(rmdir(proc), 0);
}

static const struct {
	const char *file, *forbids, *allows, *cure;
} settings[] = {
	{ "kernel/unprivileged_userns_clone", "0", "1", "kernel.unprivileged_userns_clone=1" },
	{ "kernel/apparmor_restrict_unprivileged_userns", "1", "0", "kernel.apparmor_restrict_unprivileged_userns=0" },
	{ "user/max_user_namespaces", "0", "01", "user.max_user_namespaces=" },
	{ "user/max_net_namespaces", "0", "96203", "user.max_net_namespaces=" },
	{ "user/max_pid_namespaces", "0", "7", "user.max_pid_namespaces=" },
	{ "user/max_mnt_namespaces", "0", "1000", "user.max_mnt_namespaces=" },
};
enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

START_TEST(the_setting_that_forbids_them_is_named)
{
	for (unsigned i = 0; i < SETTINGS; i++) {
		set(settings[i].file, settings[i].forbids);
		ck_assert_ptr_nonnull(strstr(apart_cure(proc, -EPERM), settings[i].cure));
		ck_assert_ptr_nonnull(strstr(apart_cure(proc, -ENOSPC), settings[i].cure));
		unset(settings[i].file);
	}
}
END_TEST

START_TEST(one_that_allows_them_is_not)
{
	for (unsigned i = 0; i < SETTINGS; i++) {
		set(settings[i].file, settings[i].allows);
		ck_assert_ptr_null(strstr(apart_cure(proc, -EPERM), "sysctl"));
		unset(settings[i].file);
	}
}
END_TEST

START_TEST(without_a_setting_the_error_speaks)
{
	ck_assert_ptr_nonnull(strstr(apart_cure(proc, -EPERM), "CAP_SYS_ADMIN"));
	ck_assert_ptr_nonnull(strstr(apart_cure(proc, -ENOSPC), "user.max_*_namespaces"));
	ck_assert_ptr_nonnull(strstr(apart_cure(proc, -EINVAL), "kernel"));
	ck_assert_str_eq(apart_cure("/nowhere", -EPERM), apart_cure(proc, -EPERM));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools_apart");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_setting_that_forbids_them_is_named);
	tcase_add_test(tc, one_that_allows_them_is_not);
	tcase_add_test(tc, without_a_setting_the_error_speaks);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
