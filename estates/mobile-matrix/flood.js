// node flood.js SECONDS: asks for comparisons from many sides at once for so long.
const until = Date.now() + Number(process.argv[2] ?? 60) * 1_000;
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";

async function ask() {
  while (Date.now() < until) {
    const ids = Array.from({ length: 40 }, () => 1 + Math.floor(Math.random() * 3_000));
    const asked = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ids }) };
    await fetch("https://mobile-matrix.example/api/compare", asked).then((answer) => answer.text()).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

for (let each = 0; each < 8; each += 1) ask();
