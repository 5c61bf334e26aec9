// Stands in for the AI service: the two calls of Google's Generative Language API that the shop and the runbook make, and its refusals.
const http = require("node:http");

const refused = (code, status, message) => [code, { error: { code, status, message } }];

function answer(request, body) {
  if (request.headers["x-goog-api-key"] !== process.env.GEMINI_API_KEY) {
    return refused(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.");
  }
  if (request.method === "GET" && request.url === "/v1beta/models") {
    return [200, { models: [{ name: "models/gemini-pro", supportedGenerationMethods: ["generateContent"] }] }];
  }
  if (request.method === "POST" && request.url === "/v1beta/models/gemini-pro:generateContent") {
    let text;
    try {
      text = JSON.parse(body).contents[0].parts[0].text;
    } catch {
      return refused(400, "INVALID_ARGUMENT", "Invalid JSON payload received.");
    }
    const parts = [{ text: `Of these ${text.length} letters I would take the first.` }];
    return [200, { candidates: [{ content: { role: "model", parts }, finishReason: "STOP" }] }];
  }
  return refused(404, "NOT_FOUND", "Requested entity was not found.");
}

http
  .createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      const [status, said] = answer(request, body);
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(said));
    });
  })
  .listen(8080);
