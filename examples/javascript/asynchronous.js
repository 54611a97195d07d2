// Send three concurrent questions to Claude Code; each starts its own session.
//
//     npm ci
//     export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
//     node asynchronous.js
import OpenAI from "openai";

const client = new OpenAI({ defaultHeaders: { "X-Claude-Code": "true" } });

async function ask(question) {
  const answer = await client.chat.completions.create({
    model: "haiku",
    messages: [{ role: "user", content: question }],
  });
  return answer.choices[0].message.content;
}

const questions = ["What is a gateway?", "What is a port?", "What is an adapter?"];
for (const answer of await Promise.all(questions.map(ask))) {
  console.log(answer);
}
