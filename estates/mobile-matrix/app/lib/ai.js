// The AI service gives advice on a comparison. It is somebody else's: it has eight seconds, and its failure is said as ours (503).
export async function advise(phones) {
  const asked = { contents: [{ parts: [{ text: `Which is the better buy? ${JSON.stringify(phones)}` }] }] };
  const answer = await fetch(`${process.env.AI_URL}/v1beta/models/gemini-pro:generateContent`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "x-goog-api-key": process.env.GEMINI_API_KEY },
    body: JSON.stringify(asked),
    signal: AbortSignal.timeout(8_000),
  }).catch((problem) => {
    throw Object.assign(new Error(`the AI service does not answer: ${problem.message}`), { status: 503 });
  });
  if (!answer.ok) throw Object.assign(new Error(`the AI service answers ${answer.status}`), { status: 503 });
  return (await answer.json()).candidates[0].content.parts[0].text;
}
