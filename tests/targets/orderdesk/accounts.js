// Who is who: log-in, sessions, sign-up, passwords, and the confirmation of an e-mail address by a code.
import { createHash, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import bcrypt from "bcryptjs";
import { has } from "./defects.js";
import { Refusal, bodyOf, invalid, send, text } from "./http.js";

const COST = 8;
const NOBODY = bcrypt.hashSync(randomBytes(12).toString("hex"), COST);
const SESSION_HOURS = 8;
const CODE_MINUTES = 10;
const CODE_ATTEMPTS_MAX = 5;
const FAILURES_MAX = 10;
const FAILURES_WINDOW_MS = 20_000;
const EMAIL = { min: 3, max: 120, pattern: /^[^@\s]+@[^@\s]+\.[a-z]+$/ };

const digest = (value) => createHash("sha256").update(value).digest("hex");
const unauthenticated = () => new Refusal(401, "unauthenticated", "Log in first.", { "WWW-Authenticate": "Bearer" });
const failures = new Map();

function clientOf(request) {
  const behind = request.headers["x-forwarded-for"];
  return has("limit-header") && behind ? behind.split(",")[0].trim() : request.socket.remoteAddress;
}

// Log-ins that failed within the window, by client and by account: whoever has too many of either waits.
function recent(key) {
  const after = Date.now() - FAILURES_WINDOW_MS;
  const kept = (failures.get(key) ?? []).filter((at) => at > after);
  failures.set(key, kept);
  return kept;
}

function refuseTooMany(keys) {
  if (!has("no-limit") && keys.some((key) => recent(key).length >= FAILURES_MAX)) {
    const wait = { "Retry-After": String(FAILURES_WINDOW_MS / 1000) };
    throw new Refusal(429, "too_many", "Too many attempts. Wait a little.", wait);
  }
}

export async function authenticate(db, request) {
  const token = /^Bearer ([0-9a-f]{64})$/.exec(request.headers.authorization ?? "")?.[1];
  if (!token) throw unauthenticated();
  const found = await db.query(
    "select u.id, u.email, u.role from sessions s join users u on u.id = s.user_id where s.token_hash = $1 and s.expires_at > now()",
    [digest(token)],
  );
  if (!found.rows.length) throw unauthenticated();
  return { ...found.rows[0], tokenHash: digest(token) };
}

export async function logIn({ db, request, response }) {
  const body = await bodyOf(request, ["email", "password"]);
  const email = text(body.email, "email", EMAIL);
  const password = text(body.password, "password", { min: 1, max: 72 });
  const client = clientOf(request);
  const keys = [`client ${client}`, `account ${email} from ${client}`];
  refuseTooMany(keys);
  const user = (await db.query("select id, password_hash, role from users where email = $1", [email])).rows[0];
  const right = await bcrypt.compare(password, user?.password_hash.startsWith("$2") ? user.password_hash : NOBODY);
  if (!user || !right) {
    for (const key of keys) failures.set(key, [...recent(key), Date.now()]);
    const unknown = !user && has("enumeration");
    throw new Refusal(401, "refused", unknown ? "No account has this address." : "Address or password is wrong.");
  }
  const token = randomBytes(32).toString("hex");
  const expires = new Date(Date.now() + SESSION_HOURS * 3_600_000);
  await db.query("insert into sessions values ($1, $2, $3)", [digest(token), user.id, expires]);
  send(response, 200, { session: { token, expires_at: expires.toISOString() }, role: user.role });
}

export async function signUp({ db, request, response }) {
  const body = await bodyOf(request, ["email", "password", "company"]);
  const email = text(body.email, "email", EMAIL);
  const company = text(body.company, "company", { min: 1, max: 80 });
  const hash = await bcrypt.hash(text(body.password, "password", { min: 10, max: 72 }), COST);
  const made = await db.query(
    "insert into users (email, password_hash, role, company) values ($1, $2, 'customer', $3) on conflict do nothing returning id",
    [email, hash, company],
  );
  if (!made.rows.length) throw new Refusal(409, "taken", "This address cannot be used.");
  send(response, 201, { id: Number(made.rows[0].id), email, company });
}

export async function logOut({ db, user, response }) {
  if (!has("logout-keeps-session")) await db.query("delete from sessions where token_hash = $1", [user.tokenHash]);
  send(response, 204);
}

const PROFILE = "id, email, role, company, phone, email_confirmed";

export async function profile({ db, user, response }) {
  const columns = has("secret-exposed") ? `${PROFILE}, password_hash` : PROFILE;
  const { rows } = await db.query(`select ${columns} from users where id = $1`, [user.id]);
  send(response, 200, { ...rows[0], id: Number(rows[0].id) });
}

export async function changeProfile({ db, user, request, response }) {
  const open = has("mass-assignment") ? ["role", "email_confirmed"] : [];
  const body = await bodyOf(request, ["company", "phone", ...open]);
  const changes = {};
  if ("company" in body) changes.company = text(body.company, "company", { min: 1, max: 80 });
  if ("phone" in body) changes.phone = text(body.phone, "phone", { max: 20, pattern: /^\+?[0-9 ]*$/ });
  for (const name of open) if (name in body) changes[name] = body[name];
  const names = Object.keys(changes);
  if (!names.length) throw invalid("Nothing is to be changed.");
  const set = names.map((name, index) => `${name} = $${index + 2}`).join(", ");
  const { rows } = await db.query(`update users set ${set} where id = $1 returning ${PROFILE}`, [user.id, ...Object.values(changes)]);
  send(response, 200, { ...rows[0], id: Number(rows[0].id) });
}

export async function changePassword({ db, user, request, response }) {
  const body = await bodyOf(request, ["current_password", "new_password"]);
  const current = text(body.current_password, "current_password", { min: 1, max: 72 });
  const wanted = text(body.new_password, "new_password", { min: 10, max: 72 });
  const { rows } = await db.query("select password_hash from users where id = $1", [user.id]);
  if (!(await bcrypt.compare(current, rows[0].password_hash))) throw new Refusal(403, "refused", "The present password is wrong.");
  await db.query("update users set password_hash = $2 where id = $1", [user.id, await bcrypt.hash(wanted, COST)]);
  if (!has("password-keeps-sessions")) await db.query("delete from sessions where user_id = $1", [user.id]);
  send(response, 204);
}

export async function sendCode({ db, user, response }) {
  const code = String(randomInt(100_000, 1_000_000));
  const expires = new Date(Date.now() + CODE_MINUTES * 60_000);
  await db.query(
    `insert into email_codes (user_id, code_hash, expires_at) values ($1, $2, $3)
     on conflict (user_id) do update set code_hash = $2, expires_at = $3, attempts = 0`,
    [user.id, digest(code), expires],
  );
  console.log(`mail to ${user.email}: the code is ${code}`);
  send(response, 202, has("code-returned") ? { sent: true, code } : { sent: true });
}

export async function confirmCode({ db, user, request, response }) {
  const body = await bodyOf(request, ["code"]);
  const code = text(body.code, "code", { min: 6, max: 6, pattern: /^\d{6}$/ });
  const { rows } = await db.query(
    "update email_codes set attempts = attempts + 1 where user_id = $1 and expires_at > now() returning code_hash, attempts",
    [user.id],
  );
  const usable = rows.length && (rows[0].attempts <= CODE_ATTEMPTS_MAX || has("code-guessable"));
  if (!usable || !timingSafeEqual(Buffer.from(rows[0].code_hash), Buffer.from(digest(code)))) {
    throw new Refusal(400, "refused", "The code is wrong or too old.");
  }
  if (!has("code-reusable")) await db.query("delete from email_codes where user_id = $1", [user.id]);
  await db.query("update users set email_confirmed = true where id = $1", [user.id]);
  send(response, 200, { email_confirmed: true });
}
