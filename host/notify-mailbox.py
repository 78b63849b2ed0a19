"""A mail server for tests, and what stands in its mailboxes. See notify-kills.sh.

    notify-mailbox.py serve FOLDER SEED      keeps each mail in a file, and answers slowly, with 4xx, or not at all, as chance has it;
                                             prints its port; needs aiosmtpd
    notify-mailbox.py compare FOLDER POLICY FLOWS DEAD SENT  compares the mailboxes with what should be in them

A mail is in FOLDER/mail before its sender hears of it: a file RECIPIENT/N that holds the Message-ID. What is refused, dropped or kept
without an answer leaves a line in FOLDER/log. In JSON lines: FLOWS are all flows that delivered, DEAD the notices that were given up,
SENT those that were asked for.
"""

import asyncio
import collections
import email
import hashlib
import json
import pathlib
import random
import re
import sys

class Mailbox:
    def __init__(self, folder, seed):
        self.folder, self.chance, self.count = folder, random.Random(seed), 0

    def log(self, line):
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            log.write(line + "\n")

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.chance.random() < 0.05:
            self.log(f"deferred {address}")
            return "450 4.2.0 come again"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(self.chance.choice([0, 0.01, 0.05, 0.2]))
        lot = self.chance.random()
        if lot < 0.10:
            self.log("refused for now")
            return "451 4.3.0 come again"
        message_id = email.message_from_bytes(envelope.content)["Message-ID"].strip()
        if lot < 0.13:
            # Not kept, and not answered.
            self.log(f"dropped {message_id}")
            server.transport.abort()
            return "421 gone"
        for recipient in envelope.rcpt_tos:
            self.count += 1
            box = self.folder / "mail" / recipient
            box.mkdir(parents=True, exist_ok=True)
            (box / str(self.count)).write_text(message_id + "\n", encoding="utf-8")
        if lot < 0.17:
            # Kept, and not answered.
            self.log(f"withheld {message_id}")
            server.transport.abort()
            return "421 gone"
        # Kept, and answered late: the sender may be killed in between.
        await asyncio.sleep(self.chance.choice([0, 0, 0.02, 0.1]))
        return "250 2.0.0 kept"


async def serve(folder, seed):
    from aiosmtpd.smtp import SMTP

    (folder / "mail").mkdir(parents=True, exist_ok=True)
    (folder / "log").touch()
    mailbox = Mailbox(folder, seed)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, loop=loop, hostname="mailbox"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def lines(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]


DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def message_name(notice):
    """The left side of a notice's Message-ID: itself if it can stand there, else its hash."""
    if DOT_ATOM.fullmatch(notice) and not notice.startswith("sha256-"):
        return notice
    return "sha256-" + hashlib.sha256(notice.encode()).hexdigest()


def compare(folder, policy, flows, dead, sent):
    """Prints the counts, and ends with 1 when a mail is missing or there twice that should not be."""
    found = collections.Counter()
    for mail in (folder / "mail").glob("*/*"):
        found[mail.read_text(encoding="utf-8").strip().strip("<>").rsplit("@", 1)[0]] += 1
    given_up = {one["notice"]: one for one in dead}
    # deliver/ID/CHANNEL
    results = {flow["flow"].split("/", 1)[1].rsplit("/", 1)[0]: flow["result"] or {} for flow in flows}
    notices = set(results)

    def was_followed(notice):
        """Whether a later word about the same seat was sent, or may have been: KIND/OCCURRENCE/SEQ/BUYER."""
        _, about, seq, buyer = notice.split("/")
        others = (other.split("/") for other in notices if other.count("/") == 3)
        same = (other for other in others if other[1] == about and other[3] == buyer)
        later = ("/".join(other) for other in same if int(other[2]) > int(seq))
        return any(in_mailbox[message_name(other)] or given_up.get(other, {}).get("uncertain") for other in later)

    in_mailbox = collections.Counter(found)
    wrong = [f"{notice['id']}: nobody delivers it" for notice in sent if notice["id"] not in notices]
    counts = collections.Counter()
    for notice in sorted(notices):
        times, letter = found.pop(message_name(notice), 0), given_up.pop(notice, None)
        uncertain = letter is not None and letter["uncertain"]
        if letter is not None:
            counts["given up, perhaps sent" if uncertain else "given up, not sent"] += 1
            counts[f"given up and {times} times in the mailbox"] += 1
            well = uncertain and times <= 1 and policy == "park"
        elif results[notice].get("why") == "outdated":
            counts["not sent, a later word was"] += 1
            # With resend, an attempt of which nothing is known may have arrived before the later word came.
            well = was_followed(notice) and (times == 0 or policy == "resend")
        else:
            counts[f"{times} times in the mailbox"] += 1
            well = times == 1 or (times > 1 and policy == "resend")
        if not well:
            wrong.append(f"{notice}: {times} times in the mailbox, {letter}")
    wrong += [f"{name}: in a mailbox, and nobody sent it" for name in found]
    of_bookings = len(notices) - len(sent)
    print(f"{policy}: {len(notices)} notices, {of_bookings} of them about bookings")
    print("".join(f"{policy}:   {name}: {count}\n" for name, count in sorted(counts.items())), end="")
    log = collections.Counter(line.split(" ", 1)[0] for line in (folder / "log").read_text(encoding="utf-8").splitlines())
    print(f"{policy}: the server: " + ", ".join(f"{name} {count}" for name, count in sorted(log.items())))
    for line in wrong:
        print(f"WRONG {line}")
    return 1 if wrong else 0


if sys.argv[1] == "serve":
    asyncio.run(serve(pathlib.Path(sys.argv[2]), int(sys.argv[3])))
else:
    sys.exit(compare(pathlib.Path(sys.argv[2]), sys.argv[3], *map(lines, sys.argv[4:7])))
