// Checks objects of operators, given as JSON on standard input, against the types made of the operators' schemas. A compiler
// knows more than those schemas: it refuses fields that nobody knows. Prints what is wrong, a line each.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const MODULES = {
  "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
  "external-secrets.io/v1": "@kubernetes-models/external-secrets/external-secrets.io/v1",
  "cert-manager.io/v1": "@kubernetes-models/cert-manager/cert-manager.io/v1",
};

// Beside node_modules, where the compiler looks for the types.
const tools = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tools, "node_modules", ".custom-"));

function source({ kind, apiVersion, ...rest }) {
  const object = JSON.stringify({ kind, apiVersion, ...rest });
  return `import type { I${kind} } from "${MODULES[apiVersion]}";\nexport const it: I${kind} = ${object};\n`;
}

try {
  const objects = JSON.parse(readFileSync(0, "utf8"));
  const files = new Map(objects.map((it, number) => [join(folder, `${number}.ts`), it]));
  for (const [file, it] of files) writeFileSync(file, source(it));
  const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], module: ts.ModuleKind.NodeNext };
  const program = ts.createProgram([...files.keys()], options);
  for (const problem of ts.getPreEmitDiagnostics(program)) {
    const it = files.get(problem.file?.fileName);
    const words = ts.flattenDiagnosticMessageText(problem.messageText, " ");
    console.log(it ? `${it.kind} ${it.metadata.name}: ${words}` : words);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
