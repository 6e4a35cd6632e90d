// check.mjs DOCUMENT: refuses an OpenAPI document that is not valid 3.1, or that says less than the house asks for:
// every field described, answers naming their required fields, requests refusing what they do not know.
import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";

const file = process.argv[2];
const document = JSON.parse(await readFile(file, "utf8"));
const problems = [];

// The official schema of OpenAPI 3.1 leaves what is inside a schema object to JSON Schema: both are asked.
const validator = new Validator();
const { valid, errors } = await validator.validate(structuredClone(document));
if (!valid) problems.push(...[errors].flat().map((e) => (e.message ? `${e.instancePath} ${e.message}` : String(e))));
if (!document.openapi?.startsWith("3.1.")) problems.push(`openapi is ${document.openapi}, not 3.1`);

const jsonSchema = new Ajv({ strict: false });
function checkSchema(schema, where) {
  if (!jsonSchema.validateSchema(schema)) {
    problems.push(...jsonSchema.errors.map((e) => `${where}${e.instancePath} ${e.message}`));
  }
}
for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) checkSchema(schema, name);

const resolve = (node) =>
  node?.$ref ? node.$ref.slice(2).split("/").reduce((at, key) => at[key.replaceAll("~1", "/")], document) : node;

// Calls visit(schema, where) for a schema and all that it is made of, each named schema once per direction.
function walk(schema, where, seen, visit) {
  if (!schema || typeof schema !== "object") return;
  if (schema.$ref) {
    if (seen.has(schema.$ref)) return;
    seen.add(schema.$ref);
    walk(resolve(schema), schema.$ref.split("/").at(-1), seen, visit);
    return;
  }
  visit(schema, where);
  for (const [name, field] of Object.entries(schema.properties ?? {})) walk(field, `${where}.${name}`, seen, visit);
  for (const part of [schema.items, ...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]) {
    walk(part, where, seen, visit);
  }
}

function checkFields(schema, where) {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (!field.description) problems.push(`${where}.${name} has no description`);
  }
}

function checkRequest(schema, where) {
  checkFields(schema, where);
  if (schema.properties && schema.additionalProperties !== false) problems.push(`${where} accepts unknown fields`);
}

function checkResponse(schema, where) {
  checkFields(schema, where);
  if (schema.properties && !schema.required?.length) problems.push(`${where} does not list its required fields`);
}

const content = (part) => Object.values(resolve(part)?.content ?? {});
const requests = new Set();
const responses = new Set();
let operations = 0;
for (const [path, item] of Object.entries(document.paths ?? {})) {
  for (const method of ["get", "put", "post", "patch", "delete"]) {
    const operation = item[method];
    if (!operation) continue;
    const where = `${method.toUpperCase()} ${path}`;
    operations += 1;
    if (!operation.summary && !operation.description) problems.push(`${where} has no description`);
    for (const { schema } of content(operation.requestBody)) {
      if (!schema.$ref) checkSchema(schema, where);
      walk(schema, `${where} request`, requests, checkRequest);
    }
    for (const parameter of [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve)) {
      if (!parameter.description) problems.push(`${where}: parameter ${parameter.name} has no description`);
      checkSchema(parameter.schema, `${where} ${parameter.name}`);
    }
    for (const [status, answer] of Object.entries(operation.responses)) {
      for (const { schema } of content(answer)) {
        if (!schema.$ref) checkSchema(schema, where);
        walk(schema, `${where} ${status}`, responses, checkResponse);
      }
    }
  }
}
if (operations === 0) problems.push("the document has no operations");

const unique = [...new Set(problems)];
for (const problem of unique) console.error(`${file}: ${problem}`);
if (unique.length > 0) process.exit(1);
console.log(`${operations} operations, all valid`);
