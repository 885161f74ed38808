# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of ioasid-exporter share: scraping, parsing, misbehaving clients."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)",?')


def fail(text):
    sys.exit("# " + text)


def same(what, a, b):
    if a != b:
        fail("%s: %s, expected %s" % (what, a, b))


def fetch(port, path="/metrics", accept="text/plain", method="GET", timeout=60):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), method=method,
                                     headers={"Accept": accept})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as response:
            return response.status, dict(response.headers), response.read().decode("ascii")
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode("ascii")


class Metrics:
    """Of one scrape: samples is {name: [(labels, value)]}."""

    def __init__(self, text):
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("#") or not line:
                continue
            match = LINE.match(line)
            if not match:
                fail("no sample: " + line)
            labels = dict(LABEL.findall(match[3] or ""))
            number = match[4]
            value = float(number) if re.search(r"[.e]|Inf", number) else int(number)
            self.samples.setdefault(match[1], []).append((labels, value))

    def sum(self, name, **wanted):
        found = [v for labels, v in self.samples.get(name, [])
                 if all(labels.get(k) == w for k, w in wanted.items())]
        return sum(found) if found else None


def scrape(port, accept="text/plain"):
    return Metrics(fetch(port, accept=accept)[2])


def wait_for(what, condition, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            result = condition()
        except OSError:
            result = None
        if result:
            return result
        time.sleep(0.2)
    fail("not within %d s: %s" % (seconds, what))


def wait_readings(port, n=3):
    """Until so many further intervals have been read: all that was done is in them."""
    first = wait_for("readings", lambda: scrape(port).sum("ioasid_readings_total"))
    return wait_for("more readings", lambda: (lambda m: m if m.sum("ioasid_readings_total") >=
                                              first + n else None)(scrape(port)))


def query(port, text):
    """What a Prometheus answers."""
    path = "/api/v1/query?" + urllib.parse.urlencode({"query": text})
    status, _, body = fetch(port, path, "application/json")
    answer = json.loads(body)
    if status != 200 or answer["status"] != "success":
        fail("query %s: %s" % (text, body))
    return answer["data"]["result"]


def number(port, text):
    result = query(port, text)
    return float(result[0]["value"][1]) if len(result) == 1 else None


def driver():
    """The driver's counters of what is there now, summed over spaces."""
    total = {}
    with open("/sys/kernel/debug/ioasid/contexts") as file:
        for line in file:
            match = re.match(r"ioasid-([a-z-]+)-\d+:\t(\d+)", line)
            if match:
                total[match[1]] = total.get(match[1], 0) + int(match[2])
    return total
