/* SPDX-License-Identifier: MIT */
/* Every job of every batch is done once, whoever does it, and none is left when crew_run() returns. */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../tunneld/crew.h"
#include "suite.h"

enum { MEMBERS = 4, JOBS = 64, BATCHES = 2000 };

struct job {
	atomic_uint times;
	uint32_t number;
	uint64_t result;
};

struct seat {
	struct crew_member member;
	struct job job[JOBS];
	pthread_t thread;
	atomic_ulong did;	/* jobs of anybody */
};

static struct crew crew;
static struct seat seat[MEMBERS];
static atomic_bool over;

/* `core` is only passed on; here it says who works. */
static void work(struct tnl_worker *core, void *arg)
{
	struct job *j = arg;

	for (uint32_t i = 0; i < 200; i++)
		j->result = j->result * 31 + j->number;
	atomic_fetch_add(&j->times, 1);
	atomic_fetch_add(&((struct seat *)core)->did, 1);
}

static void *sleeper(void *arg)
{
	struct seat *s = arg;
	struct pollfd p = { .fd = s->member.wake, .events = POLLIN };
	eventfd_t ignored;

	while (!atomic_load(&over)) {
		crew_sleeps(&s->member);
		poll(&p, 1, 1);
		crew_wakes(&s->member);
		eventfd_read(s->member.wake, &ignored);
		crew_help(&s->member);
	}
	return NULL;
}

static unsigned offer_batches(struct seat *s, unsigned batches)
{
	unsigned wrong = 0;

	for (unsigned b = 1; b <= batches; b++) {
		unsigned n = 1 + b % JOBS;

		for (unsigned i = 0; i < n; i++) {
			atomic_store(&s->job[i].times, 0);
			s->job[i].number = b + i;
			s->job[i].result = 0;
		}
		crew_run(&s->member, work, s->job, sizeof(s->job[0]), n);
		for (unsigned i = 0; i < n; i++)
			wrong += atomic_load(&s->job[i].times) != 1 || s->job[i].result == 0;
	}
	return wrong;
}

static void *offerer(void *arg)
{
	return (void *)(uintptr_t)offer_batches(arg, BATCHES);
}

static void setup(void)
{
	crew.count = 0;
	atomic_store(&over, false);
	for (unsigned i = 0; i < MEMBERS; i++) {
		atomic_store(&seat[i].did, 0);
		crew_join(&crew, &seat[i].member, (struct tnl_worker *)&seat[i], eventfd(0, EFD_NONBLOCK));
	}
}

static void teardown(void)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		close(seat[i].member.wake);
}

START_TEST(alone_it_does_all_itself)
{
	ck_assert_uint_eq(offer_batches(&seat[0], 100), 0);
	for (unsigned i = 1; i < MEMBERS; i++)
		ck_assert_uint_eq(atomic_load(&seat[i].did), 0);
	/* There is nothing left that a helper could take. */
	crew_help(&seat[1].member);
	ck_assert_uint_eq(atomic_load(&seat[1].did), 0);
}
END_TEST

START_TEST(each_job_is_done_once)
{
	unsigned long helped = 0;

	for (unsigned i = 1; i < MEMBERS; i++)
		ck_assert_int_eq(pthread_create(&seat[i].thread, NULL, sleeper, &seat[i]), 0);
	/* Until somebody has helped; on one loaded processor that may take some batches. */
	for (unsigned i = 0; i < 100 && helped == 0; i++) {
		ck_assert_uint_eq(offer_batches(&seat[0], BATCHES), 0);
		for (unsigned k = 1; k < MEMBERS; k++)
			helped += atomic_load(&seat[k].did);
	}
	atomic_store(&over, true);
	for (unsigned i = 1; i < MEMBERS; i++)
		pthread_join(seat[i].thread, NULL);
	ck_assert_uint_gt(helped, 0);
}
END_TEST

START_TEST(all_offer_at_once)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		crew_sleeps(&seat[i].member);	/* so that calls are made, too */
		ck_assert_int_eq(pthread_create(&seat[i].thread, NULL, offerer, &seat[i]), 0);
	}
	for (unsigned i = 0; i < MEMBERS; i++) {
		void *wrong;

		pthread_join(seat[i].thread, &wrong);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crew");
	TCase *t = tcase_create("crew");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, alone_it_does_all_itself);
	tcase_add_test(t, each_job_is_done_once);
	tcase_add_test(t, all_offer_at_once);
	suite_add_tcase(s, t);
	return suite_run(s);
}
