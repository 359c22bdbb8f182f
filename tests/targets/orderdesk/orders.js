// Products, orders and the desk of the staff.
import { has } from "./defects.js";
import { Refusal, asked, askedNumber, bodyOf, idOf, invalid, missing, send, text, whole } from "./http.js";

const COLUMNS = "id, customer_id, reference, note, status, total_cents, version, created_at";
const SORTS = { newest: "id desc", oldest: "id asc", total: "total_cents desc, id desc" };
const LINES_MAX = 20;
const EXPORT_MAX = 1000;
const PAGE_MAX = 1000;

const shown = (row) => ({
  id: Number(row.id),
  customer_id: Number(row.customer_id),
  reference: row.reference,
  note: row.note,
  status: row.status,
  total_cents: has("drift") ? String(row.total_cents) : Number(row.total_cents),
  version: row.version,
  created_at: row.created_at.toISOString(),
});
const shownProduct = (row) => ({ id: Number(row.id), sku: row.sku, name: row.name, price_cents: Number(row.price_cents) });

function pageOf(query) {
  const size = askedNumber(query, "per_page", 20, 1, 100);
  return { size, offset: (askedNumber(query, "page", 1, 1, PAGE_MAX) - 1) * size };
}

const likeOf = (words) => `%${words.replace(/[\\%_]/g, "\\$&")}%`;

export async function listProducts({ db, query, response }) {
  const { size, offset } = pageOf(query);
  const words = text(asked(query, "q") ?? "", "q", { max: 60 });
  const { rows } = await db.query("select * from products where name ilike $1 order by id limit $2 offset $3", [likeOf(words), size, offset]);
  send(response, 200, { items: rows.map(shownProduct) });
}

export async function listOrders({ db, user, query, response }) {
  const { size, offset } = pageOf(query);
  const sort = asked(query, "sort") ?? "newest";
  if (!(sort in SORTS) && !has("sort-injection")) throw invalid("sort is not known.");
  const status = asked(query, "status");
  if (status !== undefined && !["draft", "confirmed", "shipped"].includes(status)) throw invalid("status is not known.");
  const order = SORTS[sort] ?? sort;
  const { rows } = await db.query(
    `select ${COLUMNS} from orders where customer_id = $1 and ($2::text is null or status = $2) order by ${order} limit $3 offset $4`,
    [user.id, status ?? null, size, offset],
  );
  const items = rows.map(shown);
  if (has("n-plus-one")) {
    for (const item of items) await db.query("select * from order_lines where order_id = $1", [item.id]);
  }
  send(response, 200, { items });
}

export async function searchOrders({ db, user, query, response }) {
  const words = text(asked(query, "q") ?? "", "q", { min: 1, max: 60 });
  const { rows } = await db.query(
    `select ${COLUMNS} from orders where customer_id = $1 and (reference ilike $2 or note ilike $2) order by id desc
     limit ${has("unbounded-list") ? "all" : 50}`,
    [user.id, likeOf(words)],
  );
  send(response, 200, { items: rows.map(shown) });
}

const cell = (value) => {
  const safe = !has("csv-formula") && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return `"${safe.replaceAll('"', '""')}"`;
};

export async function exportOrders({ db, user, response }) {
  const { rows } = await db.query(`select ${COLUMNS} from orders where customer_id = $1 order by id desc limit ${EXPORT_MAX}`, [user.id]);
  const lines = rows.map((row) => [String(row.id), row.reference, row.note, row.status, String(row.total_cents)].map(cell).join(","));
  send(response, 200, ["id,reference,note,status,total_cents", ...lines, ""].join("\r\n"), {
    "Content-Disposition": 'attachment; filename="orders.csv"',
  });
}

async function owned(db, user, id, defect) {
  const everybody = user.role === "staff" || has(defect);
  const { rows } = await db.query(`select ${COLUMNS} from orders where id = $1 and ($2 or customer_id = $3)`, [id, everybody, user.id]);
  if (!rows.length) throw missing();
  return rows[0];
}

export async function makeOrder({ db, user, request, response }) {
  const body = await bodyOf(request, ["reference", "note", "lines"]);
  const reference = text(body.reference, "reference", { min: 1, max: 40 });
  const note = text(body.note ?? "", "note", { max: 500 });
  const lines = body.lines;
  if (!Array.isArray(lines) || lines.length < 1 || lines.length > LINES_MAX) throw invalid(`lines must be 1 to ${LINES_MAX}.`);
  const wanted = new Map();
  for (const line of lines) {
    if (line === null || typeof line !== "object" || Object.keys(line).some((name) => !["product_id", "quantity"].includes(name))) {
      throw invalid("A line has product_id and quantity.");
    }
    wanted.set(whole(line.product_id, "product_id", 1, 2 ** 31 - 1), whole(line.quantity, "quantity", 1, 1000));
  }
  const made = await db.transaction(async (tx) => {
    const known = await tx.query("select id, price_cents from products where id = any($1)", [[...wanted.keys()]]);
    if (known.rows.length !== wanted.size) throw new Refusal(409, "unknown_product", "A product does not exist.");
    const total = known.rows.reduce((sum, row) => sum + Number(row.price_cents) * wanted.get(Number(row.id)), 0);
    const order = await tx.query(
      `insert into orders (customer_id, reference, note, total_cents) values ($1, $2, $3, $4) returning ${COLUMNS}`,
      [user.id, reference, note, total],
    );
    await tx.query("insert into order_lines select $1, unnest($2::bigint[]), unnest($3::int[])", [
      order.rows[0].id, [...wanted.keys()], [...wanted.values()],
    ]);
    return order.rows[0];
  });
  send(response, 201, shown(made));
}

export async function readOrder({ db, user, parts, response }) {
  const row = await owned(db, user, idOf(parts.order_id), "owner-read");
  if (has("write-by-get")) await db.query("update orders set version = version + 1 where id = $1", [row.id]);
  send(response, 200, shown(row));
}

export async function readLines({ db, user, parts, response }) {
  const row = await owned(db, user, idOf(parts.order_id), "owner-read-nested");
  const { rows } = await db.query(
    "select l.product_id, p.name, l.quantity from order_lines l join products p on p.id = l.product_id where l.order_id = $1 order by 1 limit 20",
    [row.id],
  );
  send(response, 200, { items: rows.map((line) => ({ product_id: Number(line.product_id), name: line.name, quantity: line.quantity })) });
}

export async function changeOrder({ db, user, parts, request, response }) {
  const id = idOf(parts.order_id);
  const body = await bodyOf(request, ["reference", "note"]);
  const reference = "reference" in body ? text(body.reference, "reference", { min: 1, max: 40 }) : null;
  const note = "note" in body ? text(body.note, "note", { max: 500 }) : null;
  await owned(db, user, id, "owner-write");
  const { rows } = await db.query(
    `update orders set reference = coalesce($2, reference), note = coalesce($3, note), version = version + 1
     where id = $1 returning ${COLUMNS}`,
    [id, reference, note],
  );
  if (!rows.length) throw missing();
  send(response, 200, shown(rows[0]));
}

export async function deleteOrder({ db, user, parts, response }) {
  const row = await owned(db, user, idOf(parts.order_id), "owner-delete");
  await db.query("delete from orders where id = $1", [row.id]);
  send(response, 204);
}

export async function listCustomers({ db, query, response }) {
  const { size, offset } = pageOf(query);
  const { rows } = await db.query("select id, email, company from users where role = 'customer' order by id limit $1 offset $2", [size, offset]);
  send(response, 200, { items: rows.map((row) => ({ ...row, id: Number(row.id) })) });
}

export async function changeStatus({ db, parts, request, response }) {
  const id = idOf(parts.order_id);
  const body = await bodyOf(request, ["status", "version"]);
  if (!["draft", "confirmed", "shipped"].includes(body.status)) throw invalid("status is not known.");
  const version = whole(body.version, "version", 1, 2 ** 31 - 1);
  const { rows } = await db.query(
    `update orders set status = $2, version = version + 1 where id = $1 and (version = $3 or $4) returning ${COLUMNS}`,
    [id, body.status, version, has("lost-update")],
  );
  if (rows.length) return send(response, 200, shown(rows[0]));
  const exists = await db.query("select 1 from orders where id = $1", [id]);
  if (!exists.rows.length) throw missing();
  throw new Refusal(409, "stale", "Somebody else changed the order meanwhile.");
}
