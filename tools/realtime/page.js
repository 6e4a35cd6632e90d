// A page as apps have it: it is told of notifications, and meets the other side of an online session.
const events = ["new_notification", "matching_update", "consultation_reminder", "consultation_update", "payment_update"];

(async () => {
  const config = await (await fetch(`/config${location.search}`)).json();
  const say = (happened, more) =>
    fetch("/", { method: "POST", body: JSON.stringify({ who: config.name, happened, ...more }) });
  addEventListener("unhandledrejection", ({ reason }) => say("failed", { message: String(reason) }));
  const socket = io(config.gateway, { transports: ["websocket"], auth: { token: config.token, language: "en" } });
  socket.on("connect_error", (error) => say("error", { message: error.message }));
  for (const event of events) {
    socket.on(event, (notification) => say(event, { id: notification.id, type: notification.type }));
  }
  meet(socket, config, say);
  socket.on("connect", async () => {
    const joined = await socket.emitWithAck("join_notification_room", { user_id: config.id });
    await say(joined.success ? "joined" : "not joined", { code: joined.error?.code });
    const room = await socket.emitWithAck("join_consultation", { consultation_id: config.consultation_id });
    await say(room.success ? "in the room" : "not in the room", { code: room.error?.code });
  });
})();

// The therapist makes the offer when the parent has come; a parent who hears that the therapist has come says so once more.
// Candidates may come before the description they belong to.
function meet(socket, { name, consultation_id }, say) {
  const peer = new RTCPeerConnection();
  const signal = async (event, content) => {
    const passed = await socket.emitWithAck(event, { consultation_id, signal: content });
    if (!passed.success) say("not passed on", { event, code: passed.error.code });
  };
  const waiting = [];
  const described = async (description) => {
    await peer.setRemoteDescription(description);
    for (const candidate of waiting.splice(0)) await peer.addIceCandidate(candidate);
  };
  const use = (channel) => {
    channel.onopen = () => channel.send(`hello from ${location.search}`);
    channel.onmessage = ({ data }) => say("data", { data });
  };
  peer.onicecandidate = ({ candidate }) => candidate && signal("ice", candidate);
  peer.onconnectionstatechange = () => say(peer.connectionState);
  peer.ondatachannel = ({ channel }) => use(channel);
  socket.on("peer_joined", async () => {
    if (name === "parent") return socket.emit("join_consultation", { consultation_id });
    if (peer.localDescription) return;
    use(peer.createDataChannel("session"));
    await peer.setLocalDescription();
    signal("offer", peer.localDescription);
    say("offered");
  });
  socket.on("offer", async ({ signal: offer }) => {
    await described(offer);
    await peer.setLocalDescription();
    signal("answer", peer.localDescription);
    say("answered");
  });
  socket.on("answer", ({ signal: answer }) => described(answer));
  socket.on("ice", ({ signal: candidate }) => {
    if (peer.remoteDescription) peer.addIceCandidate(candidate);
    else waiting.push(candidate);
  });
}
