# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# usage: awk -v dir=DIR -f examples.awk FILE.md
#
# Writes each block of C of a document to a file of its own in DIR, named by the block's
# first line: a comment that starts with NAME.c.

/^```c$/ { inside = 1; out = ""; next }
/^```$/ { if (inside) close(out); inside = 0; next }
inside && out == "" {
	if ($1 != "/*" || $2 !~ /^[a-z_]+\.c:$/) {
		print FILENAME ":" FNR ": a block of C must start with /* NAME.c: ... */" >"/dev/stderr"
		exit 1
	}
	out = dir "/" substr($2, 1, length($2) - 1)
	printf "" >out
}
inside { print >out }
