/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdlib.h>

/* Before main(), since a case has its limit from when it is made: on a busy machine Check's own 4 s are few. */
__attribute__((constructor)) static void limit_time(void)
{
	setenv("CK_DEFAULT_TIMEOUT", "120", 0);
}

int suite_run(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
