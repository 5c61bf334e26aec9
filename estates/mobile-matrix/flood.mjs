// node flood.mjs SECONDS: asks for comparisons faster than one instance can answer them, and so slowly that two or three can.
const until = Date.now() + Number(process.argv[2] ?? 60) * 1_000;
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
const MOST_AT_ONCE = 40;
const TIMES_ONE = 1.9;
const WARM_S = 24;
let open = 0;
let answered = 0;

async function ask() {
  const ids = Array.from({ length: 150 }, () => 1 + Math.floor(Math.random() * 3_000));
  const asked = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ids }) };
  open += 1;
  await fetch("https://mobile-matrix.example/api/compare", asked).then((answer) => answer.text()).catch(() => {});
  open -= 1;
  answered += 1;
}

// asks so many times a second, for so many seconds; gives how many were answered a second
async function at(rate, seconds) {
  const [began, before] = [performance.now(), answered];
  const end = Math.min(began + seconds * 1_000, began + until - Date.now());
  for (let due = began; due < end; due += 1_000 / rate) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    if (open < MOST_AT_ONCE) ask();
  }
  return (answered - before) / ((performance.now() - began) / 1_000);
}

// what one instance can do differs from machine to machine, and it does more once it is warm: ask ever faster until answers lag
// behind, and go on so for a while, always faster than it was seen to answer
let rate = 4;
while (open < MOST_AT_ONCE / 2 && Date.now() < until) await at((rate *= 1.3), 1);
let able = 0;
for (let warm = 0; warm < WARM_S; warm += 3) able = Math.max(able, await at(Math.max(able, rate) * TIMES_ONE, 3));
console.log(`one instance answers ${able.toFixed(0)} times a second`);
await at(able * TIMES_ONE, 86_400);
