/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers among the arguments of a program: what is wrong ends it, as argp does. */
#ifndef TOOLS_ARG_H
#define TOOLS_ARG_H

#include <argp.h>

/* what: as the help calls it, for the message. */
double arg__number(struct argp_state *state, const char *what, const char *text, double min,
		   double max);
unsigned long arg__whole(struct argp_state *state, const char *what, const char *text,
			 unsigned long min, unsigned long max);

#endif
