// Redis: sessions, cached pages, and the queue of orders to be confirmed.
import { createClient } from "redis";

const client = createClient({
  url: process.env.REDIS_URL,
  disableOfflineQueue: true,
  socket: { connectTimeout: 2_000, reconnectStrategy: (tries) => Math.min(200 * tries, 2_000) },
});
client.on("error", () => {});

export const open = () => client.connect().catch(() => {});
export const ping = () => client.ping();
export const get = (key) => client.get(key);
export const set = (key, value, seconds) => client.set(key, value, { EX: seconds });
export const push = (queue, value) => client.lPush(queue, value);
export const next = (queue) => client.rPop(queue);

// Gives what is cached under the key, else makes and caches it; without Redis it is made anew each time.
export async function remembered(key, seconds, make) {
  try {
    const held = await client.get(key);
    if (held !== null) return JSON.parse(held);
  } catch {
    return make();
  }
  const made = await make();
  await set(key, JSON.stringify(made), seconds).catch(() => {});
  return made;
}
