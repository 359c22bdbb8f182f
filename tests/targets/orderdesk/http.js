// What every route shares: refusals of one shape, bounded bodies, security headers, strict reading of input.
import { has } from "./defects.js";

const BODY_BYTES_MAX = 64 * 1024;
const ID_MAX = 9223372036854775807n;

export class Refusal extends Error {
  constructor(status, code, message, headers = {}) {
    super(message);
    Object.assign(this, { status, code, headers });
  }
}

export const invalid = (message) => new Refusal(422, "invalid", message);
export const missing = () => new Refusal(404, "not_found", "There is no such thing.");

export function send(response, status, body, headers = {}) {
  const isText = typeof body === "string";
  response.writeHead(status, {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    ...(body === undefined ? {} : { "Content-Type": isText ? "text/csv; charset=utf-8" : "application/json" }),
    ...headers,
  });
  response.end(body === undefined ? undefined : isText ? body : JSON.stringify(body));
}

// Whether the database is away: a socket's or the driver's own error, or PostgreSQL's classes 08 (connection) and 57P (shutdown).
const isOutage = (error) =>
  /^(E[A-Z]+|08...|57P..)$/.test(error.code ?? "") || /timeout|terminated|Connection|not queryable/i.test(error.message ?? "");

export function refuse(response, error) {
  if (error instanceof Refusal) {
    const message = has("stack-trace") ? error.stack : error.message;
    send(response, error.status, { error: { code: error.code, message } }, error.headers);
    return;
  }
  console.error(error);
  if (isOutage(error)) {
    send(response, 503, { error: { code: "unavailable", message: "The desk is closed for a moment. Try again." } }, { "Retry-After": "5" });
    return;
  }
  const inside = has("stack-trace") ? error.stack : "The request could not be served.";
  send(response, 500, { error: { code: "internal", message: inside } });
}

export async function bodyOf(request, members) {
  if ((request.headers["content-type"] ?? "").split(";")[0].trim().toLowerCase() !== "application/json") {
    throw new Refusal(415, "media_type", "The body must be application/json.");
  }
  const pieces = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length > BODY_BYTES_MAX) throw new Refusal(413, "too_large", "The body is too large.", { Connection: "close" });
    pieces.push(piece);
  }
  let body;
  try {
    body = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces)));
  } catch {
    throw new Refusal(400, "not_json", "The body is not JSON.");
  }
  if (body === null || typeof body !== "object" || Array.isArray(body)) throw invalid("The body must be an object.");
  const unknown = Object.keys(body).find((name) => !members.includes(name));
  if (unknown !== undefined) throw invalid("The body has a member that is not known.");
  return body;
}

export function text(value, name, { min = 0, max = 200, pattern } = {}) {
  if (typeof value !== "string") throw invalid(`${name} must be a text.`);
  const length = [...value].length;
  if (length < min || length > max) throw invalid(`${name} must have ${min} to ${max} characters.`);
  if (/[\u0000\ud800-\udfff]/u.test(value)) throw invalid(`${name} has a character that is not allowed.`);
  if (pattern && !pattern.test(value)) throw invalid(`${name} is not of the right form.`);
  return value;
}

export function whole(value, name, min, max) {
  if (!Number.isInteger(value) || value < min || value > max) throw invalid(`${name} must be a whole number from ${min} to ${max}.`);
  return value;
}

// A parameter of the query, once at most; `undefined` where it is left out.
export function asked(query, name) {
  const values = query.getAll(name);
  if (values.length > 1) throw invalid(`${name} is there twice.`);
  return values[0];
}

export function askedNumber(query, name, fallback, min, max) {
  const value = asked(query, name);
  if (value === undefined) return fallback;
  if (!/^\d{1,9}$/.test(value)) throw invalid(`${name} must be a whole number.`);
  return whole(Number(value), name, min, max);
}

export function idOf(value) {
  if (!/^[1-9]\d{0,18}$/.test(value) || BigInt(value) > ID_MAX) throw invalid("An id is a whole number from 1.");
  return value;
}
