// The AI SDK with both backends: a text, a stream, and a session.
//
//     npm ci
//     export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
//     node vercel_ai.js
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";

const modegate = createOpenAICompatible({
  name: "modegate",
  baseURL: process.env.OPENAI_BASE_URL,
  apiKey: process.env.OPENAI_API_KEY,
});
const claude = { "X-Claude-Code": "true" };

const passed = await generateText({ model: modegate("gpt-4o"), prompt: "What is a gateway?" });
console.log("Upstream:", passed.text);

const { textStream } = streamText({
  model: modegate("sonnet"),
  prompt: "What is a port?",
  headers: claude,
});
for await (const piece of textStream) {
  process.stdout.write(piece);
}
console.log();

const first = await generateText({
  model: modegate("sonnet"),
  prompt: "My name is Ada.",
  headers: claude,
});
const session = first.response.headers["x-claude-session-id"];
const second = await generateText({
  model: modegate("sonnet"),
  prompt: "What is my name?",
  headers: { "X-Claude-Session-ID": session },
});
console.log(`In session ${session}: ${second.text}`);
