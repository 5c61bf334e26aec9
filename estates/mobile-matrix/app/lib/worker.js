// Confirms orders: takes them from the queue, and looks once a minute for any that the queue lost.
import * as cache from "./cache.js";
import * as database from "./database.js";
import * as log from "./log.js";

const confirm = (id) => database.query("UPDATE orders SET confirmed_at = now() WHERE id = $1 AND confirmed_at IS NULL", [id]);

export async function confirmOrders() {
  let swept = Date.now();
  for (;;) {
    try {
      const id = await cache.next("confirmations");
      if (id) await confirm(Number(id));
      else await new Promise((resolve) => setTimeout(resolve, 500));
    } catch (problem) {
      log.error(`the worker waits: ${problem.message}`);
      await new Promise((resolve) => setTimeout(resolve, 5_000));
    }
    if (Date.now() - swept > 60_000) {
      swept = Date.now();
      await database.query("UPDATE orders SET confirmed_at = now() WHERE confirmed_at IS NULL AND made_at < now() - interval '1 minute'").catch(() => {});
    }
  }
}
