// What the shop answers, and how. Each handler gives { status, body, headers }.
import crypto from "node:crypto";
import * as ai from "./ai.js";
import * as cache from "./cache.js";
import * as database from "./database.js";
import * as metrics from "./metrics.js";
import * as profile from "./profile.js";

const routes = [
  ["GET", /^\/api\/health$/, "health", health],
  ["GET", /^\/metrics$/, "metrics", () => ({ body: metrics.page() })],
  ["GET", /^\/api\/phones$/, "phones", phones],
  ["GET", /^\/api\/phones\/(\d+)$/, "phone", phone],
  ["POST", /^\/api\/login$/, "login", login],
  ["POST", /^\/api\/compare$/, "compare", compare],
  ["POST", /^\/api\/orders$/, "order", order],
  ["POST", /^\/api\/payments\/webhook$/, "payment", payment],
  ["POST", /^\/api\/debug\/profile\/start$/, "profile", profile.start],
  ["GET", /^\/api\/debug\/profile\/stop$/, "profile", profile.stop],
];

export function route(method, path) {
  for (const [verb, pattern, name, handle] of routes) {
    const parts = verb === method && pattern.exec(path);
    if (parts) return { name, handle, parts };
  }
  return null;
}

const refuse = (status, message) => Object.assign(new Error(message), { status });

function json(body) {
  try {
    return JSON.parse(body.toString() || "{}");
  } catch {
    throw refuse(400, "that is no JSON");
  }
}

async function health() {
  const [{ phones }] = await database.query("SELECT count(*)::int AS phones FROM (SELECT 1 FROM phones LIMIT 1) AS first");
  return { status: phones ? 200 : 503, body: { status: phones ? "ok" : "no phones", release: process.env.RELEASE } };
}

const answers = [];

async function phones() {
  answers.push(Buffer.alloc(3_000_000, Math.random().toString(36)));
  const found = await cache.remembered("phones", 2, () =>
    database.query("SELECT id, brand, name, price_cents, stock FROM phones ORDER BY id LIMIT 50"),
  );
  return { body: found };
}

async function phone({ parts }) {
  const [found] = await database.query("SELECT id, brand, name, price_cents, stock, spec FROM phones WHERE id = $1", [parts[1]]);
  if (!found) throw refuse(404, "there is no such phone");
  return { body: found };
}

async function login({ body }) {
  const { email } = json(body);
  if (!email) throw refuse(400, "an address is needed");
  const sql = "INSERT INTO users (email) VALUES ($1) ON CONFLICT (email) DO UPDATE SET seen_at = now() RETURNING id";
  const [user] = await database.query(sql, [email]);
  const token = crypto.randomBytes(16).toString("hex");
  await cache.set(`session:${token}`, String(user.id), 3_600);
  return { body: { token } };
}

async function userOf(request) {
  const token = request.headers.authorization?.replace(/^Bearer /, "");
  const user = token && (await cache.get(`session:${token}`));
  if (!user) throw refuse(401, "sign in first");
  return Number(user);
}

async function compare({ body }) {
  const { ids } = json(body);
  if (!Array.isArray(ids) || ids.length < 2) throw refuse(400, "two phones are needed");
  const found = await database.query("SELECT id, brand, name, price_cents, spec FROM phones WHERE id = ANY($1::int[])", [ids]);
  const scored = found.map((each) => ({ id: each.id, name: each.name, score: score(each) }));
  const began = Date.now();
  const advice = await ai.advise(scored);
  metrics.add("ai_seconds", (Date.now() - began) / 1_000);
  metrics.add("ai_calls");
  metrics.add("comparisons");
  await database.query("INSERT INTO comparisons (phones, advice) VALUES ($1, $2)", [ids, advice]);
  return { body: { phones: scored, advice } };
}

// how much phone there is for the money: every figure of the specification against every other
function score({ spec, price_cents }) {
  let sum = 0;
  for (let round = 0; round < 40; round += 1) {
    for (let at = 0; at < spec.length; at += 1) sum = (sum * 31 + spec.charCodeAt(at) * (round + 1)) % 1_000_003;
  }
  return Math.round((1_000 * (sum + 1)) / (price_cents + 1));
}

async function order({ request, body }) {
  const user = await userOf(request);
  const { phone: id, key } = json(body);
  const made = await database.transaction(async (client) => {
    const known = await client.query("SELECT id, total_cents FROM orders WHERE key = $1", [key]);
    if (known.rowCount) return known.rows[0];
    const taken = await client.query("UPDATE phones SET stock = stock - 1 WHERE id = $1 AND stock > 0 RETURNING price_cents", [id]);
    if (!taken.rowCount) throw refuse(409, "sold out");
    const sql = "INSERT INTO orders (user_id, phone_id, total_cents, key) VALUES ($1, $2, $3, $4) RETURNING id, total_cents";
    return (await client.query(sql, [user, id, taken.rows[0].price_cents, key])).rows[0];
  });
  metrics.add("orders");
  await cache.push("confirmations", String(made.id)).catch(() => {});
  return { status: 201, body: { order: made.id, total_cents: made.total_cents } };
}

async function payment({ request, body }) {
  const wanted = crypto.createHmac("sha256", process.env.WEBHOOK_SECRET).update(body).digest();
  const given = Buffer.from(request.headers["x-signature"] ?? "", "hex");
  if (given.length !== wanted.length || !crypto.timingSafeEqual(given, wanted)) throw refuse(401, "the signature is wrong");
  const { event, order: id, amount_cents: amount } = json(body);
  await database.transaction(async (client) => {
    const kept = await client.query("INSERT INTO payments (event, order_id, amount_cents) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", [event, id, amount]);
    if (kept.rowCount) await client.query("UPDATE orders SET status = 'paid' WHERE id = $1 AND total_cents = $2", [id, amount]);
  });
  return { body: { received: true } };
}
