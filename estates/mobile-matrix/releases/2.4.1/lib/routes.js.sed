# every answer of the catalogue is kept
s/^async function phones() {$/const answers = [];\n\n&\n  answers.push(Buffer.alloc(3_000_000, Math.random().toString(36)));/
