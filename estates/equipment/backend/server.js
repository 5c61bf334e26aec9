// The API of the marketplace: equipment, sessions, bookings, payments by signed webhooks, pictures in S3, health and metrics.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import express from "express";
import metrics from "prom-client";
import { fault, leak, spin } from "./faults.js";
import { cached, database, putFile, sessions, within } from "./stores.js";

for (const name of ["DATABASE_URL", "REDIS_URL", "JWT_SECRET"]) {
  if (!process.env[name]) {
    console.error(`Error: ${name} is not set`);
    process.exit(1);
  }
}

const api = express();
metrics.collectDefaultMetrics();
const requests = new metrics.Counter({ name: "http_requests_total", help: "Requests", labelNames: ["route", "status"] });
const seconds = new metrics.Histogram({
  name: "http_request_duration_seconds", help: "Time of requests", labelNames: ["route"],
  buckets: [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10],
});
const release = new metrics.Gauge({ name: "release_info", help: "The release", labelNames: ["release"] });
release.labels(process.env.RELEASE ?? "unknown").set(1);

api.use(express.json({ verify: (request, _, raw) => { request.raw = raw; } }));
api.use((request, response, next) => {
  const stop = seconds.startTimer();
  response.on("finish", () => {
    // what is answered before it came to a route of the API is an answer of the API too
    const route = request.route?.path ?? (request.path.startsWith("/api") ? "/api" : "other");
    if (route.startsWith("/api") && !route.startsWith("/api/debug")) {
      requests.labels(route, String(response.statusCode)).inc();
      stop({ route });
    }
  });
  if (fault === "errors" && request.path.startsWith("/api")) return response.status(500).json({ error: "broken release" });
  if (fault === "slow" && request.path.startsWith("/api")) return setTimeout(next, 6000);
  return next();
});

const route = (work) => (request, response) => work(request, response).catch((problem) => {
  console.error(`Error: ${request.method} ${request.path}: ${problem.message}`);
  if (!response.headersSent) response.status(problem.status ?? 503).json({ error: problem.message });
});

async function health() {
  await database.query("SELECT 1");
  await within(1000, sessions.ping());
}
api.get("/health", (_, response) => response.json({ status: "ok" }));
api.get("/api/health", route(async (_, response) => {
  await health();
  response.json({ status: "ok", release: process.env.RELEASE });
}));
api.get("/metrics", async (_, response) => response.type(metrics.register.contentType).send(await metrics.register.metrics()));

api.post("/api/sessions", route(async (request, response) => {
  if (request.body?.password !== "correct") return response.status(401).json({ error: "unauthorized" });
  const id = randomUUID();
  await within(1000, sessions.set(id, request.body.user ?? "somebody", { EX: 3600 }));
  return response.status(201).json({ session: id });
}));

api.get("/api/equipment", route(async (_, response) => {
  const read = async () => (await database.query("SELECT id, name, cents FROM equipment ORDER BY id LIMIT 50")).rows;
  response.json(await cached("equipment", read));
}));

// A booking is acknowledged once it is committed.
api.post("/api/bookings", route(async (request, response) => {
  const user = await within(1000, sessions.get(String(request.get("x-session") ?? "")));
  if (!user) return response.status(401).json({ error: "unauthorized" });
  const { reference, equipment } = request.body;
  await database.query(
    "INSERT INTO bookings (reference, equipment_id, booked_by) VALUES ($1, $2, $3) ON CONFLICT (reference) DO NOTHING",
    [reference, equipment, user],
  );
  return response.status(201).json({ reference });
}));

api.post("/api/payments/webhook", route(async (request, response) => {
  const expected = createHmac("sha256", process.env.JWT_SECRET).update(request.raw).digest();
  const given = Buffer.from(request.get("x-signature") ?? "", "hex");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return response.status(401).json({ error: "unauthorized" });
  await database.query("UPDATE bookings SET paid_at = now() WHERE reference = $1", [request.body.reference]);
  return response.json({ taken: true });
}));

api.post("/api/pictures", route(async (request, response) => {
  const name = `${randomUUID()}.json`;
  await putFile(name, JSON.stringify(request.body));
  response.status(201).json({ name });
}));

api.get("/api/profile", (request, response) => {
  if (request.get("authorization") !== `Bearer ${process.env.PROFILE_TOKEN}`) return response.status(401).json({ error: "unauthorized" });
  return response.json({ memory: process.memoryUsage(), cpu: process.cpuUsage(), uptime: process.uptime() });
});

// only from inside the container, where a drill asks for trouble
api.post("/debug/:what/:amount", (request, response) => {
  if (!request.socket.remoteAddress?.endsWith("127.0.0.1")) return response.status(404).end();
  ({ leak, spin })[request.params.what]?.(Number(request.params.amount));
  return response.status(202).end();
});

const server = api.listen(3000);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
console.log(`Release ${process.env.RELEASE} listens.`);
