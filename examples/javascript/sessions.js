// Start a session with a stream, continue it, list it and delete it.
//
//     npm ci
//     export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
//     node sessions.js
import OpenAI from "openai";

const client = new OpenAI();

const { data: stream, response } = await client.chat.completions
  .create(
    {
      model: "sonnet",
      messages: [{ role: "user", content: "My name is Ada." }],
      stream: true,
    },
    { headers: { "X-Claude-Code": "true" } },
  )
  .withResponse();
const session = response.headers.get("x-claude-session-id"); // available before the first word
console.log("Began", session);
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? "");
}
console.log();

const answer = await client.chat.completions.create(
  { model: "sonnet", messages: [{ role: "user", content: "What is my name?" }] },
  { headers: { "X-Claude-Session-ID": session } },
);
console.log(answer.choices[0].message.content);

const mine = await client.get("/sessions");
console.log("Mine:", mine.data.map(({ id }) => id));

await client.delete(`/sessions/${session}`);
try {
  await client.get(`/sessions/${session}`);
} catch (error) {
  if (!(error instanceof OpenAI.NotFoundError)) throw error;
  console.log("Ended:", error.code);
}
