// browser.mjs < CONFIG: a browser for each person, each at a gateway of its own. They are told of notifications, and reach each
// other directly after what the gateways passed on between them. A line of JSON for all that happens.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { config, untilTheEnd } from "./input.mjs";

const { gateways, people, consultation_id } = config;
const library = new URL("../node_modules/socket.io-client/dist/socket.io.min.js", import.meta.url);
const files = {
  "/": ["text/html", new URL("page.html", import.meta.url)],
  "/page.js": ["text/javascript", new URL("page.js", import.meta.url)],
  "/socket.io.js": ["text/javascript", library],
};

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  if (request.method === "POST") {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      console.log(text);
      response.end();
    });
  } else if (pathname === "/config") {
    const number = Number(searchParams.get("number"));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...people[number], gateway: gateways[number], consultation_id }));
  } else if (files[pathname]) {
    const [type, file] = files[pathname];
    response.setHeader("content-type", type);
    response.end(readFileSync(file));
  } else {
    response.writeHead(404).end();
  }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

const folder = mkdtempSync(join(tmpdir(), "aipoten-browser-"));
const browsers = people.map((_, number) =>
  spawn(
    process.env.CHROMIUM ?? "chromium",
    [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      // The two are on one machine, perhaps without any other network.
      "--allow-loopback-in-peer-connection",
      "--disable-features=WebRtcHideLocalIpsWithMdns",
      `--user-data-dir=${join(folder, String(number))}`,
      `http://127.0.0.1:${server.address().port}/?number=${number}`,
    ],
    { stdio: ["ignore", "ignore", process.env.CHROMIUM_LOG ? "inherit" : "ignore"] },
  ),
);
for (const browser of browsers) browser.on("error", (error) => console.log(JSON.stringify({ happened: "no browser", message: error.message })));

await untilTheEnd;
for (const browser of browsers) browser.kill("SIGKILL");
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
process.exit();
