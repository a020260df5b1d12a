/* SPDX-License-Identifier: MIT */
/* What both programs call themselves. */
#ifndef VERSION_H
#define VERSION_H

#define TNL_VERSION "0.1.0"

#endif
