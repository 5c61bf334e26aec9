// Where the API keeps things: PostgreSQL, Redis (database 0 the cache, 1 the sessions) and S3.
import aws4 from "aws4";
import pg from "pg";
import { createClient } from "redis";

const { DATABASE_URL, REDIS_URL, S3_URL, S3_BUCKET } = process.env;

export const database = new pg.Pool({ connectionString: DATABASE_URL, max: 8, connectionTimeoutMillis: 2000, query_timeout: 4000 });
database.on("error", (problem) => console.error(`Error: a database connection ended: ${problem.message}`));

function redis(number) {
  const socket = { connectTimeout: 1000, reconnectStrategy: () => 500 };
  const client = createClient({ url: `${REDIS_URL}/${number}`, socket, disableOfflineQueue: true });
  client.on("error", () => {});
  client.connect().catch(() => {});
  return client;
}

export const cache = redis(0);
export const sessions = redis(1);

// at most so long for an answer of Redis: a server that hangs must not hang the shop
export async function within(milliseconds, answer) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("Redis did not answer")), milliseconds);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

// What the cache has, else what `read` gives, kept for ten seconds. Without Redis everything is read.
export async function cached(key, read) {
  try {
    const found = await within(500, cache.get(key));
    if (found !== null) return JSON.parse(found);
  } catch {
    return read();
  }
  const value = await read();
  within(500, cache.set(key, JSON.stringify(value), { EX: 10 })).catch(() => {});
  return value;
}

export async function putFile(name, body) {
  const url = new URL(`${S3_URL}/${S3_BUCKET}/${name}`);
  const signed = aws4.sign({
    service: "s3", region: "eu-central-1", method: "PUT", host: url.host, path: url.pathname, body,
    headers: { "Content-Type": "application/json" },
  });
  const answer = await fetch(url, { method: "PUT", headers: signed.headers, body, signal: AbortSignal.timeout(2000) });
  if (!answer.ok) throw new Error(`S3 answered ${answer.status}`);
}
