// client.mjs < CONFIG: the official client at every gateway, for every person. A line of JSON for all that happens.
import { io } from "socket.io-client";
import { config, untilTheEnd } from "./input.mjs";

const { gateways, people, foreign } = config;
const events = ["new_notification", "matching_update", "consultation_reminder", "consultation_update", "payment_update"];
const say = (line) => console.log(JSON.stringify(line));

for (const [gateway, address] of gateways.entries()) {
  for (const { name, token, id } of people) {
    const known = new Set();
    const socket = io(address, { transports: ["websocket"], auth: { token, language: "ko" } });
    const line = (happened, more) => say({ who: name, gateway, happened, ...more });
    for (const event of events) {
      socket.on(event, (notification) => {
        // Some come twice.
        if (!known.has(notification.id)) line(event, { id: notification.id, type: notification.type });
        known.add(notification.id);
      });
    }
    socket.on("connect", async () => {
      const refused = await socket.emitWithAck("join_notification_room", { user_id: foreign });
      line(refused.success ? "joined another's room" : "refused", { code: refused.error?.code });
      const own = await socket.emitWithAck("join_notification_room", { user_id: id });
      line(own.success ? "joined" : "not joined", { code: own.error?.code });
    });
    socket.on("connect_error", (error) => line("error", { message: error.message }));
  }
}

await untilTheEnd;
process.exit();
