// read.mjs < FEED: what ical.js reads out of an iCalendar feed, a line for each event; it refuses what is not valid.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
const utc = (time) => {
  if (time.zone !== ICAL.Timezone.utcTimezone) throw new Error(`${time} is not in UTC`);
  return time.toString();
};
for (const component of calendar.getAllSubcomponents("vevent")) {
  const event = new ICAL.Event(component, { strictExceptions: true });
  const times = [event.startDate, event.endDate].map(utc);
  const fields = [event.uid, event.sequence, component.getFirstPropertyValue("status"), ...times, event.summary];
  console.log(fields.join("\t"));
}
if (calendar.getFirstPropertyValue("refresh-interval").toSeconds() !== 3600) throw new Error("refresh-interval");
