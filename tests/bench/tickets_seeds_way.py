"""How such a migration is usually written: Python, requests, 20 threads, a ticket after the other. An issue is kept in
mind until its ticket is complete, and the tracker is saved for each ticket, so that no issue is made that it does not
know; `--save-every 100` is the cheaper way, which loses up to a hundred. Only its rate and its CPU are of interest."""
import argparse
import html.parser
import json
import os
import queue
import threading

import requests

THREADS = 20


class Blocks(html.parser.HTMLParser):
    """Paragraphs, headings and lists as a document of Jira; bold text and links as marks."""

    def __init__(self):
        super().__init__()
        self.content, self.inline, self.marks = [], [], []

    def close_block(self, kind="paragraph", **attributes):
        if self.inline:
            block = {"type": kind, "content": self.inline}
            if attributes:
                block["attrs"] = attributes
            self.content.append(block)
        self.inline = []

    def handle_starttag(self, tag, attributes):
        if tag in ("div", "p", "h3", "ul", "blockquote", "li"):
            self.close_block()
        elif tag == "br":
            self.inline.append({"type": "hardBreak"})
        elif tag == "b":
            self.marks.append({"type": "strong"})
        elif tag == "a":
            self.marks.append({"type": "link", "attrs": {"href": dict(attributes).get("href", "")}})

    def handle_endtag(self, tag):
        if tag == "h3":
            self.close_block("heading", level=3)
        elif tag in ("div", "p", "li", "blockquote"):
            self.close_block()
        elif tag in ("b", "a") and self.marks:
            self.marks.pop()

    def handle_data(self, data):
        if data:
            node = {"type": "text", "text": data}
            if self.marks:
                node["marks"] = list(self.marks)
            self.inline.append(node)


def document(text):
    blocks = Blocks()
    blocks.feed(text)
    blocks.close_block()
    return {"type": "doc", "version": 1, "content": blocks.content}


class Tracker:
    """Which ticket has become which issue, in a file."""

    def __init__(self, path, every):
        self.path, self.every, self.lock = path, every, threading.Lock()
        self.tickets, self.pending = {}, {}

    def made(self, ticket, key):
        with self.lock:
            self.pending[ticket] = key

    def complete(self, ticket, key):
        with self.lock:
            self.tickets[ticket] = {"status": "success", "jira_id": key}
            if len(self.tickets) % self.every == 0:
                with open(self.path + ".new", "w", encoding="utf-8") as out:
                    out.write(json.dumps(self.tickets))
                os.replace(self.path + ".new", self.path)
            del self.pending[ticket]


def main():
    parser = argparse.ArgumentParser()
    for name in ("path", "url", "email", "token"):
        parser.add_argument(name)
    parser.add_argument("--save-every", type=int, default=1)
    options = parser.parse_args()
    url = options.url
    work, tracker = queue.Queue(), Tracker(options.path + ".state", options.save_every)
    for line in open(options.path, encoding="utf-8"):
        work.put(json.loads(line))

    def migrate():
        session = requests.Session()
        session.auth = (options.email, options.token)
        while True:
            try:
                ticket = work.get_nowait()
            except queue.Empty:
                return
            data = ticket["data"]
            fields = {"project": {"key": "SUP"}, "issuetype": {"name": data["kind"]}, "summary": data["title"],
                      "priority": {"name": data["priority"]}, "labels": data["labels"] + [f"fd-{ticket['record']['id']}"],
                      "description": document(data["description"]["$richText"]["text"])}
            answer = session.post(url + "/rest/api/3/issue", json={"fields": fields}, timeout=60)
            answer.raise_for_status()
            key = answer.json()["key"]
            tracker.made(ticket["record"]["id"], key)
            for comment in data["comments"]:
                body = {"body": document(comment["body"]["$richText"]["text"])}
                session.post(f"{url}/rest/api/3/issue/{key}/comment", json=body, timeout=60).raise_for_status()
            tracker.complete(ticket["record"]["id"], key)

    threads = [threading.Thread(target=migrate) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(len(tracker.tickets))


main()
