// Shows the OpenAPI document. Everything becomes a node of the page by way of `textContent`, so
// that no text of the document is ever taken for markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

let api;

function node(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const code = (text) => node("code", {}, text);

// A text with its `code`.
function marked(text) {
  return node("span", {}, ...text.split("`").map((part, index) => (index % 2 ? code(part) : part)));
}

// Paragraphs and lists.
function texts(description) {
  const blocks = (description ?? "").split(/\n\s*\n/).filter((text) => text.trim());
  return blocks.map((text) => {
    if (!text.startsWith("- ")) return node("p", {}, marked(text));

    const items = text.slice(2).split("\n- ");
    return node("ul", {}, ...items.map((item) => node("li", {}, marked(item))));
  });
}

function table(heads, rows) {
  const head = node("tr", {}, ...heads.map((text) => node("th", {}, text)));
  const body = rows.map((cells) => node("tr", {}, ...cells.map((cell) => node("td", {}, cell))));
  return node("table", {}, node("thead", {}, head), node("tbody", {}, ...body));
}

// A schema: its type in a few words, and its parts in a table that is made when it is opened, since
// schemas may contain themselves.

function resolve(value) {
  return value?.$ref ? value.$ref.slice(2).split("/").reduce((at, key) => at[key], api) : value;
}

const nameOf = (schema) => schema.$ref?.split("/").pop();
const choices = (schema) => schema.oneOf ?? schema.anyOf ?? [];

function typeOf(schema) {
  if (nameOf(schema)) return nameOf(schema);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (choices(schema).length) return choices(schema).map(typeOf).join(" | ");
  if (schema.allOf) return schema.allOf.map(typeOf).join(" & ");

  const types = [schema.type ?? "any"].flat();
  return types
    .map((type) => (type === "array" ? `array of ${typeOf(schema.items ?? {})}` : type))
    .map((type) => (schema.format && type !== "null" ? `${type} (${schema.format})` : type))
    .join(" | ");
}

const BOUNDS = {
  minimum: "at least",
  maximum: "at most",
  minLength: "length at least",
  maxLength: "length at most",
  minItems: "items at least",
  maxItems: "items at most",
  pattern: "pattern",
  default: "default",
  example: "for example",
};

function notes(schema) {
  return Object.entries(BOUNDS)
    .filter(([key]) => schema[key] !== undefined)
    .map(([key, words]) => `${words} ${JSON.stringify(schema[key])}`)
    .join(", ");
}

function hasParts(schema) {
  const { properties, additionalProperties, items, allOf } = resolve(schema);
  return Boolean(
    properties ||
      typeof additionalProperties === "object" ||
      (items && hasParts(items)) ||
      [...choices(resolve(schema)), ...(allOf ?? [])].some(hasParts),
  );
}

function parts(schema) {
  const resolved = resolve(schema);
  const required = resolved.required ?? [];
  const rows = Object.entries(resolved.properties ?? {}).map(([name, part]) => [
    node("code", { className: required.includes(name) ? "required" : "" }, name),
    schemaNode(part),
    describe(part),
  ]);
  if (typeof resolved.additionalProperties === "object") {
    rows.push([code("any key"), schemaNode(resolved.additionalProperties), ""]);
  }

  const others = [resolved.items, ...(resolved.allOf ?? []), ...choices(resolved)];
  return [
    rows.length ? table(["name", "type", ""], rows) : null,
    ...others.filter((other) => other && hasParts(other)).flatMap(parts),
  ].filter(Boolean);
}

function describe(schema) {
  const { description } = schema.description ? schema : resolve(schema);
  return marked([description, notes(schema)].filter(Boolean).join(" – "));
}

function schemaNode(schema) {
  if (!hasParts(schema)) return code(typeOf(resolve(schema)));

  const details = node("details", { className: "schema" }, node("summary", {}, code(typeOf(schema))));
  details.addEventListener("toggle", () => details.append(...parts(schema)), { once: true });
  return details;
}

// An operation.

function content(body) {
  return Object.entries(body?.content ?? {}).flatMap(([type, { schema }]) => [
    node("p", {}, code(type)),
    schema ? schemaNode(schema) : null,
  ]);
}

function section(title, ...children) {
  return children.length ? [node("h3", {}, title), ...children] : [];
}

function parameterRow(parameter) {
  const { name, required, description, schema = {} } = resolve(parameter);
  return [
    node("code", { className: required ? "required" : "" }, name),
    resolve(parameter).in,
    schemaNode(schema),
    marked([description, notes(schema)].filter(Boolean).join(" – ")),
  ];
}

function credentials(security) {
  const schemes = api.components?.securitySchemes ?? {};
  return (security ?? [])
    .flatMap((choice) => Object.keys(choice))
    .map((name) => node("p", {}, code(name), ` ${schemes[name]?.description ?? ""}`));
}

// What one would type, with the server's address in `$SERVER`.
function curl(method, path, operation) {
  const schemes = (operation.security ?? []).flatMap((choice) => Object.keys(choice));
  const kinds = schemes.map((name) => api.components?.securitySchemes?.[name]?.scheme);
  const words = ["curl"];
  if (method !== "get") words.push("-X", method.toUpperCase());
  if (kinds.includes("basic")) words.push("-u", '"$CLIENT_ID:$CLIENT_SECRET"');
  else if (kinds.includes("bearer")) words.push("-H", '"Authorization: Bearer $TOKEN"');

  const [type, media] = Object.entries(resolve(operation.requestBody)?.content ?? {})[0] ?? [];
  const fields = resolve(media?.schema ?? {}).required ?? [];
  if (type === "application/x-www-form-urlencoded") {
    fields.forEach((name) => words.push("-d", `${name}=…`));
  } else if (type) {
    words.push("-H", `'Content-Type: ${type}'`, "-d", "'…'");
  }
  return [...words, `"$SERVER${path}"`].join(" ");
}

function operationNode(method, path, operation) {
  const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) => [
    code(status),
    node("div", {}, ...texts(resolve(answer).description), ...content(resolve(answer))),
  ]);
  const parameters = (operation.parameters ?? []).map(parameterRow);

  const summary = node(
    "summary",
    {},
    node("code", { className: `method ${method}` }, method.toUpperCase()),
    node("code", { className: "path" }, path),
    node("span", { className: "summary" }, marked(operation.summary ?? "")),
  );
  const body = node(
    "div",
    {},
    ...texts(operation.description),
    ...section("Credentials", ...credentials(operation.security)),
    ...section(
      "Parameters",
      ...(parameters.length ? [table(["name", "in", "type", ""], parameters)] : []),
    ),
    ...section("Body", ...content(resolve(operation.requestBody))),
    ...section("Answers", table(["status", ""], answers)),
    ...section("Request", node("pre", {}, curl(method, path, operation))),
  );
  return node("details", { className: "operation", id: operation.operationId }, summary, body);
}

// The page.

function show() {
  const about = [...texts(api.info.description), node("p", {}, `Version ${api.info.version}`)];
  document.getElementById("about").replaceChildren(...about);

  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((method) => methods[method])) {
      const tag = methods[method].tags?.[0] ?? "Other";
      const operation = operationNode(method, path, methods[method]);
      groups.set(tag, [...(groups.get(tag) ?? []), operation]);
    }
  }

  const aboutTag = (tag) => texts(api.tags?.find(({ name }) => name === tag)?.description);
  const sections = [...groups].map(([tag, operations]) =>
    node("section", {}, node("h2", {}, tag), ...aboutTag(tag), ...operations),
  );
  document.getElementById("operations").replaceChildren(...sections);
}

// `docs/#token` opens one operation, by its id in the document.
function openLinked() {
  const operation = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (operation?.matches(".operation")) {
    operation.open = true;
    operation.scrollIntoView();
  }
}

function filter(words) {
  for (const group of document.querySelectorAll("section")) {
    const operations = [...group.querySelectorAll(".operation")];
    for (const operation of operations) {
      const text = operation.querySelector("summary").textContent.toLowerCase();
      operation.hidden = !text.includes(words.toLowerCase());
    }
    group.hidden = operations.every((operation) => operation.hidden);
  }
}

async function main() {
  try {
    api = await (await fetch("../openapi.json")).json();
    show();
    openLinked();
  } catch (error) {
    document.getElementById("operations").textContent = `The document cannot be shown: ${error}`;
  }

  const input = document.getElementById("filter");
  input.addEventListener("input", () => filter(input.value));
  addEventListener("hashchange", openLinked);
}

main();
