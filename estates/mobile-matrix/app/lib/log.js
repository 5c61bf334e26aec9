// logs/access.log in the combined format, logs/error.log, and the errors on standard error as well.
import fs from "node:fs";

const folder = new URL("../logs/", import.meta.url);
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function stamp(now) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${two(now.getUTCDate())}/${months[now.getUTCMonth()]}/${now.getUTCFullYear()}`;
  return `${day}:${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())} +0000`;
}

// appended each time, so that logrotate may move the file away; a full disk must not end the shop
function append(name, line) {
  fs.appendFile(new URL(name, folder), line + "\n", () => {});
}

export function access(request, response, seconds) {
  const from = request.headers["x-forwarded-for"]?.split(",").at(-1).trim() ?? request.socket.remoteAddress ?? "-";
  const bytes = response.getHeader("content-length") ?? "-";
  const agent = request.headers["user-agent"] ?? "-";
  const asked = `${request.method} ${request.url} HTTP/${request.httpVersion}`;
  append("access.log", `${from} - - [${stamp(new Date())}] "${asked}" ${response.statusCode} ${bytes} "-" "${agent}" ${seconds.toFixed(3)}`);
}

export function error(message) {
  const line = `${new Date().toISOString()} ERROR ${message}`;
  console.error(line);
  append("error.log", line);
}
