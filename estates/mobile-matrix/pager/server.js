// Catches the notices that people would get, and lists them: POST /NAME, GET /.
const http = require("node:http");

const kept = [];

http
  .createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      if (request.method === "POST") kept.push({ to: request.url.slice(1), at: new Date().toISOString(), body });
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify(request.method === "GET" ? kept.slice(-200) : { kept: true }));
    });
  })
  .listen(9800);
