// The database, through a small pool. A statement that takes too long fails instead of holding up everybody.
import pg from "pg";

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL?.replace(/\?.*$/, ""),
  max: 10,
  connectionTimeoutMillis: 3_000,
  statement_timeout: 8_000,
  query_timeout: 9_000,
  idleTimeoutMillis: 10_000,
});
// a connection that breaks while nobody uses it is the next request's matter, not the end of the shop
pool.on("error", () => {});

export const query = async (text, values) => (await pool.query(text, values)).rows;

// Runs work(client) in one transaction; what it returns is committed when this returns.
export async function transaction(work) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (problem) {
    await client.query("ROLLBACK").catch(() => {});
    throw problem;
  } finally {
    client.release();
  }
}

export const close = () => pool.end();
