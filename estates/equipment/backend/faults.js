// What a release can have wrong, switched on by FAULT: the ways in which the estate's drills break the code itself.
const kept = [];

export const fault = process.env.FAULT ?? "";

export function leak(megabytes) {
  for (let each = 0; each < megabytes; each += 1) kept.push(Buffer.alloc(1 << 20, each));
}

export function spin(seconds) {
  const turn = () => {
    const until = Date.now() + 40;
    while (Date.now() < until) Math.sqrt(Math.random());
    if (Date.now() < ends) setTimeout(turn, 1);
  };
  const ends = Date.now() + seconds * 1000;
  turn();
}
