# SPDX-License-Identifier: GPL-2.0-only
#
# Reads the output of lab/guest-tests: for each program "## begin NAME", its TAP
# stream, "## end NAME STATUS".  Prints every line after LABEL and NAME, and
# appends one line "passed|failed|skipped LABEL NAME: TEST" a test to TOTALS.
# A program that dies before its plan ends, or never starts, has failed.  What a
# test that failed said before goes there as well, in lines "why LABEL NAME: # TEXT".

BEGIN { NOTES = 30 }

function count(what, test)
{
	print what, label, name ": " test >> totals
	fflush(totals)	# whole lines only, should we be killed
}

function note(text)
{
	print "why", label, name ": " text >> totals
	fflush(totals)
}

function fail(test)
{
	emit("not ok - " test)
	count("failed", test)
}

function emit(line)
{
	print label, name ": " line
	fflush()
}

function finish(status)
{
	if (plan < 0)
		fail("the program printed no plan (exit status " status ")")
	else if (seen != plan)
		fail("the program planned " plan " tests and reported " seen " (exit status " status ")")
	else if (status != 0 && !failed && !(plan == 0 && status == 4))
		fail("all tests passed but the exit status is " status)
	name = ""
}

function begin(program)
{
	name = program
	began[name] = 1
	plan = -1
	seen = failed = noted = 0
}

{ sub(/\r$/, "") }

/^## begin / { begin($3); next }
/^## end / { finish($4); next }

name == "" { print label ": " $0; next }

{ emit($0) }

/^#/ { notes[noted++] = $0 }

/^1\.\.[0-9]+/ {
	plan = substr($1, 4) + 0
	if (plan == 0)
		count("skipped", $0)
}

/^(not )?ok( |$)/ {
	seen++
	if (/^ok/)
		count(/# *(SKIP|skip)/ ? "skipped" : "passed", $0)
	else if (/# *TODO/)
		count("skipped", $0)
	else {
		failed = 1
		count("failed", $0)
		for (i = noted > NOTES ? noted - NOTES : 0; i < noted; i++)
			note(notes[i])
	}
	noted = 0
}

END {
	if (name != "")
		finish("unknown: the machine ended")
	n = split(expected, names, " ")
	for (i = 1; i <= n; i++) {
		if (!(names[i] in began)) {
			name = names[i]
			fail("the program was never started")
		}
	}
}
