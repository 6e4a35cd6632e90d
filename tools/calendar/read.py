"""read.py < FEED: what icalendar reads out of an iCalendar feed, a line for each event; it refuses what is not valid."""

import sys

from icalendar import Calendar

calendar = Calendar.from_ical(sys.stdin.buffer.read())
problems = [error for component in calendar.walk() for error in component.errors]
if problems:
    sys.exit(f"the feed is not valid: {problems}")
for event in calendar.walk("VEVENT"):
    times = [event.decoded(name).strftime("%Y-%m-%dT%H:%M:%SZ") for name in ("DTSTART", "DTEND")]
    print(event["UID"], event["SEQUENCE"], event["STATUS"], *times, event["SUMMARY"], sep="\t")
