// Print Claude's answer as it arrives, and its token usage.
//
//     npm ci
//     export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
//     node streaming.js
import OpenAI from "openai";

const client = new OpenAI({ defaultHeaders: { "X-Claude-Code": "true" } });

try {
  const stream = await client.chat.completions.create({
    model: "sonnet",
    messages: [{ role: "user", content: "What is a gateway?" }],
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    process.stdout.write(chunk.choices[0]?.delta.content ?? "");
    if (chunk.usage) {
      const { prompt_tokens: read, completion_tokens: written } = chunk.usage;
      console.log(`\n${read} tokens in, ${written} out`);
    }
  }
} catch (error) {
  // The connection broke, or an error event reported an incomplete answer.
  if (!(error instanceof OpenAI.APIError)) throw error;
  console.log(`\nThe answer was cut: ${error.message}`);
}
