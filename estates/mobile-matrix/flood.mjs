// node flood.mjs SECONDS: asks for comparisons faster than one instance can answer them, and so slowly that two or three can.
const until = Date.now() + Number(process.argv[2] ?? 60) * 1_000;
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
const MOST_AT_ONCE = 40;
const TIMES_ONE = 2.4;

async function ask() {
  const ids = Array.from({ length: 40 }, () => 1 + Math.floor(Math.random() * 3_000));
  const asked = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ids }) };
  await fetch("https://mobile-matrix.example/api/compare", asked).then((answer) => answer.text()).catch(() => {});
}

// how long an answer takes of an instance that has nothing else to do: what one can do differs from machine to machine
for (let each = 0; each < 20; each += 1) await ask();
const began = performance.now();
for (let each = 0; each < 60; each += 1) await ask();
const one = (performance.now() - began) / 60;
let open = 0;
const rest = one / TIMES_ONE;
console.log(`an answer takes ${one.toFixed(1)} ms; asking every ${rest.toFixed(1)} ms`);
let due = performance.now();
while (Date.now() < until) {
  if (open < MOST_AT_ONCE) { open += 1; ask().finally(() => { open -= 1; }); }
  due = Math.max(due + rest, performance.now() - 100);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
}
