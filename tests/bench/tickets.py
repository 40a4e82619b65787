"""Tickets into Jira: 4 KB of HTML and one comment each, into the stand-in of the service."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request

from measure import Contest, timed

HERE = os.path.dirname(os.path.abspath(__file__))
EMAIL, TOKEN = "migrator@example.com", "jira-token"

MIGRATION = """\
migration: bench-tickets
working_dir: ./bench-tickets.work
source: {{connector: jsonl, path: {source}}}
sink:
  {{connector: jira, url: "{url}", email: "{email}", token: "${{env:JIRA_TOKEN}}", project: SUP, in_flight: {in_flight}}}
run: {{verify: none, items_in_flight: {in_flight}}}
"""

WORDS = ("printer paper tray replaced twice since Monday the display shows error seven and nobody on the second floor can "
         "print invoices any more please send somebody who knows this model because the last visit did not help").split()


def html(number):
    """About 4 KB, another one for each number."""
    parts, state = [], number * 2654435761 % (1 << 32)
    while sum(map(len, parts)) < 4000:
        state = (state * 1103515245 + 12345) % (1 << 31)
        words = " ".join(WORDS[(state >> 8) % 30 + i % 7] for i in range(25 + state % 20)) if state % 5 else "short line"
        parts.append({0: f"<h3>{words[:60]}</h3>", 1: f"<ul><li>{words}</li><li><b>{words[:40]}</b></li></ul>",
                      2: f"<blockquote><div>{words}</div></blockquote>"}.get(state % 9, f"<div>{words}<br>{words[:80]} "
                                                                             f"<a href=\"https://x.test/{state}\">link</a></div>"))
    return "".join(parts)


def rich(text):
    return {"$richText": {"format": "html", "text": text}}


def make_file(folder, count):
    path = os.path.join(folder, f"tickets-{count}.jsonl")
    if os.path.exists(path):
        return path
    with open(path + ".new", "w", encoding="utf-8") as out:
        for number in range(1, count + 1):
            person = {"id": str(number % 500), "name": f"Requester {number % 500}", "email": f"r{number % 500}@example.org"}
            data = {"title": f"Ticket {number}: printer", "description": rich(html(number)), "kind": "Task",
                    "priority": "Medium", "labels": ["hardware"], "reporter": person,
                    "created": "2024-01-31T09:00:00Z", "updated": "2024-02-01T08:00:00Z",
                    "comments": [{"id": str(number * 10), "author": person, "created": "2024-01-31T10:00:00Z",
                                  "body": rich(f"<div>{' '.join(WORDS[:20])} {number}</div>"), "internal": number % 3 == 0}]}
            out.write(json.dumps({"record": {"type": "tickets", "id": str(number)}, "data": data}) + "\n")
    os.rename(path + ".new", path)
    return path


class Sandbox:
    """The stand-in of Jira in a process of its own."""

    def __init__(self, bench, *options):
        self.process = subprocess.Popen([os.path.join(bench.build, "bin", "migrate-sandbox"), "--only", "jira",
                                         "--parent-exit", *options], stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        if not ready:
            raise SystemExit("migrate-sandbox did not start")
        self.url = json.loads(ready)["services"]["jira"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def counters(self):
        with urllib.request.urlopen(self.url + "/_sim/counters") as answer:
            return json.load(answer)


UNLIMITED = {"rate_get": 0, "rate_post": 0, "rate_put": 0, "rate_delete": 0, "issue_writes_2s": 0, "issue_writes_30s": 0,
             "user_search_rate": 0}


def settings(**more):
    return ["--settings", json.dumps({"jira": {**UNLIMITED, **more}})]


def migrate(bench, sandbox, source, in_flight=20, name="tickets"):
    work = os.path.join(bench.folder, name + ".work")
    shutil.rmtree(work, ignore_errors=True)
    migration = os.path.join(bench.folder, name + ".yaml")
    with open(migration, "w", encoding="utf-8") as out:
        out.write(MIGRATION.format(source=source, url=sandbox.url, email=EMAIL, in_flight=in_flight))
    os.environ["JIRA_TOKEN"] = TOKEN
    return timed([bench.migrate, "run", migration, "--working-dir", work, "--progress", "none"],
                 log=os.path.join(bench.folder, name + ".log"))


def run(bench, count, rounds):
    source = make_file(bench.folder, count)

    def ours(in_flight):
        with Sandbox(bench, *settings()) as sandbox:
            result = migrate(bench, sandbox, source, in_flight)
            writes = sandbox.counters()["writes"]
            if writes < 2 * count:
                raise SystemExit(f"only {writes} writes for {count} tickets")
            return result

    def seeds_way(save_every):
        with Sandbox(bench, *settings()) as sandbox:
            return timed([sys.executable, os.path.join(HERE, "tickets_seeds_way.py"), source, sandbox.url, EMAIL, TOKEN,
                          "--save-every", str(save_every)], log=os.path.join(bench.folder, "seeds-way.log"))

    contest = Contest(f"{count:,} tickets of 4 KB with one comment into Jira, no latency, no limit", rounds)
    contest.add("migrate run", count, lambda: ours(20))
    contest.add("migrate run, 100 in flight", count, lambda: ours(100))
    # As many tickets each: what it costs to save the tracker grows with their number.
    contest.add("Python, requests, 20 threads, tracker saved for each ticket", count, lambda: seeds_way(1))
    contest.add("the same, saved for each hundredth", count, lambda: seeds_way(100))
    contest.run(bench.say)
    result = [contest.table("migrate run")]
    for name, (rows, _, samples) in contest.ways.items():
        cpu = sorted(sample.cpu for sample in samples)[len(samples) // 2]
        result.append(f"{name}: {cpu / rows * 1e6:,.0f} µs of client CPU a ticket.")
    result.append(latency(bench))
    result.append(quota(bench))
    result.append(memory(bench))
    return "\n".join(result) + "\n"


def latency(bench, items=2000, milliseconds=100, in_flight=20):
    source = make_file(bench.folder, items)
    with Sandbox(bench, *settings(), "--latency", str(milliseconds)) as sandbox:
        sample = migrate(bench, sandbox, source, in_flight, "latency")
        requests = sandbox.counters()["requests"]
    ideal = in_flight / (milliseconds / 1000)
    return (f"\n{milliseconds} ms latency, {in_flight} in flight: {requests / sample.seconds:,.0f} requests/s of "
            f"{ideal:,.0f} possible ({requests / sample.seconds / ideal:.2f}), start and reports included; "
            f"{requests:,} requests in {sample.seconds:.1f} s.")


def quota(bench, items=1500, rate=50):
    source = make_file(bench.folder, items)
    with Sandbox(bench, *settings(rate_post=rate)) as sandbox:
        sample = migrate(bench, sandbox, source, 20, "quota")
        counters = sandbox.counters()
    # The scarcest thing is POST to one endpoint: one issue each.
    return (f"\n{rate} POST/s of one endpoint allowed: {items / sample.seconds:,.1f} issues/s "
            f"({items / sample.seconds / rate:.2f}), {counters['refusals']} of {counters['requests']} requests refused.")


def memory(bench, counts=(1000, 50_000)):
    lines = []
    for count in counts:
        with Sandbox(bench, *settings(keep_bytes="none")) as sandbox:
            sample = migrate(bench, sandbox, make_file(bench.folder, count), 20, "memory")
        lines.append(f"{count:,} tickets: peak {sample.mebibytes:.0f} MiB")
    return "\n" + "; ".join(lines) + "."
