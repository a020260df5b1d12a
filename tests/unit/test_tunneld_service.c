/* SPDX-License-Identifier: MIT */
/* What the engine says without having been asked moves nothing. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../tunneld/notify.h"
#include "../../tunneld/service.h"
#include "suite.h"

static char dir[64], path[96];
static int manager;
static struct service *service;

static void setup(void)
{
	const struct service_env env = {.name = "wg0", .version = "1"};
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	strcpy(dir, "/tmp/service-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/notify", dir);
	strcpy(un.sun_path, path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&un, sizeof(un)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	notify_open();
	service = service_start(&env);
	ck_assert_ptr_nonnull(service);
}

static void teardown(void)
{
	service_close(service);
	close(manager);
	unlink(path);
	rmdir(dir);
}

START_TEST(an_unasked_alive_does_not_reach_the_manager)
{
	char text[64];

	for (int i = 0; i < 100; i++)
		service_heard(service, &(struct msg){.type = MSG_ALIVE});
	ck_assert_int_eq(recv(manager, text, sizeof(text), 0), -1);
	notify_send("READY=1\n");	/* which would have */
	ck_assert_int_eq(recv(manager, text, sizeof(text), 0), 8);
}
END_TEST

START_TEST(an_unasked_state_is_nobodys)
{
	/* It is not even looked at: there is no control socket yet that could take it. */
	service_heard(service, &(struct msg){.type = MSG_STATE});
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tunneld_service");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_unasked_alive_does_not_reach_the_manager);
	tcase_add_test(tc, an_unasked_state_is_nobodys);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
