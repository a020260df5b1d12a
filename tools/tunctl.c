/* SPDX-License-Identifier: MIT */
/* The operator's command. Everything but this line is in files that tests can link. */
#include "cmd.h"

int main(int argc, char *argv[])
{
	return cmd_main(argc, argv);
}
