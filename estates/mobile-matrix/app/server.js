// Mobile Matrix: phones are compared and sold. Starts the server and the worker that confirms orders.
import http from "node:http";
import * as cache from "./lib/cache.js";
import * as database from "./lib/database.js";
import * as log from "./lib/log.js";
import * as metrics from "./lib/metrics.js";
import { route } from "./lib/routes.js";
import { confirmOrders } from "./lib/worker.js";

for (const name of ["DATABASE_URL", "REDIS_URL", "AI_URL", "GEMINI_API_KEY", "WEBHOOK_SECRET"]) {
  if (!process.env[name]) {
    console.error(`ERROR ${name} is not set`);
    process.exit(1);
  }
}

const server = http.createServer(async (request, response) => {
  const began = process.hrtime.bigint();
  const { pathname } = new URL(request.url, "http://shop");
  let route_name = "other";
  response.on("close", () => {
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    if (pathname !== "/metrics") {
      metrics.count(route_name, response.writableEnded ? response.statusCode : 499, seconds);
      log.access(request, response, seconds);
    }
  });
  try {
    const found = route(request.method, pathname);
    if (!found) return send(response, 404, { error: "there is no such page" });
    route_name = found.name;
    const answer = await found.handle({ request, parts: found.parts, body: await bodyOf(request) });
    send(response, answer.status ?? 200, answer.body, answer.headers);
  } catch (problem) {
    const status = problem.status ?? 500;
    if (status >= 500) log.error(`${request.method} ${pathname}: ${problem.message}`);
    send(response, status, { error: status >= 500 ? "something went wrong" : problem.message });
  }
});

function send(response, status, body, headers = {}) {
  if (response.destroyed || response.headersSent) return;
  const text = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  response.writeHead(status, { "Content-Type": typeof body === "string" ? "text/plain" : "application/json", ...headers });
  response.end(text);
}

async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

cache.open();
confirmOrders();
server.keepAliveTimeout = 5_000;
server.listen(Number(process.env.PORT ?? 3000), () => console.log(`release ${process.env.RELEASE} listens`));

process.on("SIGTERM", () => {
  server.close(async () => {
    await database.close();
    process.exit(0);
  });
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), 2_000).unref();
});
