// A client as a partner would write it, against the types generated from our OpenAPI document. It is compiled, never
// run: the compiler refuses it when the contract loses what a client builds on.
import type { components, paths } from "../../.local/openapi/schema";

type Body<Operation> = Operation extends { requestBody: { content: { "application/json": infer Json } } } ? Json : never;
type Answer<Operation, Status extends number> = Operation extends {
  responses: { [S in Status]: { content: { "application/json": infer Json } } };
}
  ? Json
  : never;

type CreateChild = paths["/api/v1/children"]["post"];
type ListChildren = paths["/api/v1/children"]["get"];
type Register = paths["/api/v1/auth/register"]["post"];

export const newChild: Body<CreateChild> = {
  name: "하늘",
  birth_date: "2024-10-21",
  gender: "female",
  gestational_weeks: 32,
};

// @ts-expect-error a gender is one of a fixed set of words
export const noSuchGender: Body<CreateChild> = { ...newChild, gender: "unicorn" };

async function call<Json>(method: string, path: keyof paths, token: string, body?: unknown): Promise<Json> {
  const answer = await fetch(path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return (await answer.json()) as Json;
}

export async function addChild(token: string): Promise<string> {
  const { data } = await call<Answer<CreateChild, 201>>("POST", "/api/v1/children", token, newChild);
  return data.id;
}

export async function childNames(token: string): Promise<string[]> {
  const { data, meta } = await call<Answer<ListChildren, 200>>("GET", "/api/v1/children", token);
  const total: number = meta.total;
  return total === 0 ? [] : data.map((child) => child.name);
}

export const emailOf = (account: Body<Register>): string => account.email;

export const schemaNames: ReadonlyArray<keyof components["schemas"]> = [];
