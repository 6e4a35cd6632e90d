// What a program is told: a line of JSON, and by the end of its input that it is to end, however the one ended who started it.
import { once } from "node:events";
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin });
const [line] = await once(lines, "line");

export const config = JSON.parse(line);
export const untilTheEnd = once(lines, "close");
