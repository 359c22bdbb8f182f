// The order desk: routes, database, start and stop. `PORT`, `HOST` and libpq's variables (PGHOST, PGPORT, …) configure it.
import { createServer } from "node:http";
import pg from "pg";
import * as accounts from "./accounts.js";
import * as orders from "./orders.js";
import { has } from "./defects.js";
import { Refusal, missing, refuse, send } from "./http.js";

const ANYBODY = [];
const ANYBODYS = { id: 1, role: "customer" }; // whose orders the planted "no-authentication" gives away
const USERS = ["customer", "staff"];
const STAFF = has("staff-function") ? USERS : ["staff"];

const routes = [
  ["GET", "/health", ANYBODY, ({ response }) => send(response, 200, { status: "ok" })],
  ["POST", "/v1/login", ANYBODY, accounts.logIn],
  ["POST", "/v1/accounts", ANYBODY, accounts.signUp],
  ["POST", "/v1/logout", USERS, accounts.logOut],
  ["GET", "/v1/me", USERS, accounts.profile],
  ["PATCH", "/v1/me", USERS, accounts.changeProfile],
  ["PUT", "/v1/me/password", USERS, accounts.changePassword],
  ["POST", "/v1/me/email-code", USERS, accounts.sendCode],
  ["POST", "/v1/me/email-code/confirm", USERS, accounts.confirmCode],
  ["GET", "/v1/products", ANYBODY, orders.listProducts],
  ["GET", "/v1/orders", USERS, orders.listOrders],
  ["POST", "/v1/orders", USERS, orders.makeOrder],
  ["GET", "/v1/orders/search", USERS, orders.searchOrders],
  ["GET", "/v1/orders/export.csv", has("no-authentication") ? ANYBODY : USERS, orders.exportOrders],
  ["GET", "/v1/orders/{order_id}", USERS, orders.readOrder],
  ["PATCH", "/v1/orders/{order_id}", USERS, orders.changeOrder],
  ["DELETE", "/v1/orders/{order_id}", USERS, orders.deleteOrder],
  ["GET", "/v1/orders/{order_id}/lines", USERS, orders.readLines],
  ["GET", "/v1/desk/customers", STAFF, orders.listCustomers],
  ["PATCH", "/v1/desk/orders/{order_id}/status", STAFF, orders.changeStatus],
].map(([method, path, roles, handle]) => ({
  method, roles, handle, pattern: new RegExp(`^${path.replaceAll(".", "\\.").replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
}));
if (has("debug-route")) {
  routes.push({ method: "GET", roles: ANYBODY, pattern: /^\/debug\/env$/, handle: ({ response }) => send(response, 200, process.env) });
}

const pool = new pg.Pool({ max: 4, connectionTimeoutMillis: 4_000, query_timeout: 5_000 });
pool.on("error", (error) => console.error(`a connection was lost: ${error.message}`));
const db = {
  query: (statement, values) => pool.query(statement, values),
  async transaction(work) {
    const client = await pool.connect();
    try {
      await client.query("begin");
      const result = await work(client);
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback");
      throw error;
    } finally {
      client.release();
    }
  },
};

function routeOf(method, path) {
  const there = routes.filter((route) => route.pattern.test(path));
  if (!there.length) throw missing();
  const route = there.find((each) => each.method === method);
  if (route) return { ...route, parts: route.pattern.exec(path).groups ?? {} };
  const allowed = [...new Set(there.map((each) => each.method))].join(", ");
  throw new Refusal(405, "method", "This method is not allowed here.", { Allow: allowed });
}

function addressOf(request) {
  try {
    return new URL(request.url, "http://orderdesk");
  } catch {
    throw new Refusal(400, "address", "The address cannot be read.");
  }
}

async function serve(request, response) {
  if (has("open-cors") && request.headers.origin) {
    response.setHeader("Access-Control-Allow-Origin", request.headers.origin);
    response.setHeader("Access-Control-Allow-Credentials", "true");
  }
  const address = addressOf(request);
  const { roles, handle, parts } = routeOf(request.method, address.pathname);
  const isGivenAway = !roles.length && handle === orders.exportOrders && !request.headers.authorization;
  const asks = roles.length || (handle === orders.exportOrders && !isGivenAway);
  const user = asks ? await accounts.authenticate(db, request) : isGivenAway ? ANYBODYS : null;
  if (user && roles.length && !roles.includes(user.role)) throw new Refusal(403, "forbidden", "This is for other roles.");
  await handle({ db, user, parts, request, response, query: address.searchParams });
}

const server = createServer((request, response) => {
  serve(request, response).catch((error) => {
    if (!response.headersSent) refuse(response, error);
    else response.destroy();
  });
});
server.requestTimeout = 20_000;
if (has("missing-index")) await pool.query("drop index if exists orders_customer_id");
server.listen(Number(process.env.PORT), process.env.HOST ?? "127.0.0.1", () => console.log("the order desk is open"));
process.on("SIGTERM", () => {
  server.closeAllConnections();
  server.close(() => pool.end().then(() => process.exit(0)));
});
