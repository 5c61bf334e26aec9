"use strict";

// Hands out chat tokens: a JSON web token for the customer whom the gateway found, once Stream Chat itself answers.
const crypto = require("node:crypto");
const http = require("node:http");

const { STREAM_URL, STREAM_API_SECRET, PORT = "8100" } = process.env;
const TIMEOUT_MS = 2000;

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function tokenFor(customer) {
  const said = `${part({ alg: "HS256", typ: "JWT" })}.${part({ user_id: customer, iat: Math.floor(Date.now() / 1000) })}`;
  return `${said}.${crypto.createHmac("sha256", STREAM_API_SECRET).update(said).digest("base64url")}`;
}

// Makes the customer's channel at Stream, which also shows that it works.
async function openChannel(customer, token) {
  const answer = await fetch(`${STREAM_URL}/channels/messaging/support-${customer}/query?api_key=${process.env.STREAM_API_KEY}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Stream-Auth-Type": "jwt", Authorization: token },
    body: JSON.stringify({ state: true, data: { created_by_id: customer } }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(`Stream Chat answers ${answer.status}: ${(await answer.text()).slice(0, 200)}`);
}

function reply(response, status, said) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(said));
}

const server = http.createServer(async (request, response) => {
  if (request.url === "/health") return reply(response, 200, { status: "ok" });
  const customer = request.headers["x-customer"];
  if (request.method !== "POST" || request.url !== "/auth/stream-token/") return reply(response, 404, { error: "There is no such page." });
  if (!customer) return reply(response, 401, { error: "Log in first." });
  try {
    const token = tokenFor(customer);
    await openChannel(customer, token);
    return reply(response, 200, { token, user_id: customer });
  } catch (problem) {
    console.error(new Date().toISOString(), "ERROR chat", problem.message);
    return reply(response, 502, { error: "Chat does not work at the moment." });
  }
});

server.listen(Number(PORT), "0.0.0.0");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
