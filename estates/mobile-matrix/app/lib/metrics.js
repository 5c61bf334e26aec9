// What Prometheus reads: requests by route and status, their time, this process, its memory limit and its volumes.
import fs from "node:fs";

const edges = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10];
const requests = new Map();
const times = { counts: new Array(edges.length + 1).fill(0), sum: 0 };
const business = { comparisons: 0, orders: 0, ai_seconds: 0, ai_calls: 0 };

export function count(route, status, seconds) {
  const key = `${route}|${status}`;
  requests.set(key, (requests.get(key) ?? 0) + 1);
  const place = edges.findIndex((edge) => seconds <= edge);
  times.counts[place === -1 ? edges.length : place] += 1;
  times.sum += seconds;
}

export function add(name, amount = 1) {
  business[name] += amount;
}

function memoryLimit() {
  for (const path of ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]) {
    try {
      const bytes = Number(fs.readFileSync(path, "utf8"));
      if (Number.isFinite(bytes)) return bytes;
    } catch {
      continue;
    }
  }
  return Infinity;
}

function diskPercent(path) {
  const disk = fs.statfsSync(path);
  const used = disk.blocks - disk.bfree;
  return (100 * used) / (used + disk.bavail);
}

export function page() {
  const lines = [];
  for (const [key, number] of requests) {
    const [route, status] = key.split("|");
    lines.push(`http_requests_total{route="${route}",status="${status}"} ${number}`);
  }
  let running = 0;
  times.counts.forEach((number, index) => {
    running += number;
    lines.push(`http_request_duration_seconds_bucket{le="${edges[index] ?? "+Inf"}"} ${running}`);
  });
  lines.push(`http_request_duration_seconds_sum ${times.sum}`, `http_request_duration_seconds_count ${running}`);
  const { user, system } = process.cpuUsage();
  const used = process.memoryUsage().rss;
  lines.push(`process_cpu_seconds_total ${(user + system) / 1e6}`, `process_resident_memory_bytes ${used}`);
  lines.push(`app_memory_percent ${(100 * used) / memoryLimit()}`);
  lines.push(`app_disk_percent{volume="/"} ${diskPercent("/")}`, `app_disk_percent{volume="/app/logs"} ${diskPercent("/app/logs")}`);
  lines.push(`app_release{release="${process.env.RELEASE}"} 1`, `app_uptime_seconds ${process.uptime()}`);
  for (const [name, value] of Object.entries(business)) lines.push(`app_${name}_total ${value}`);
  return lines.join("\n") + "\n";
}
