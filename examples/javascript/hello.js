// Ask both backends the same question.
//
//     npm ci
//     export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
//     node hello.js
import OpenAI from "openai";

const client = new OpenAI();
const claude = client.withOptions({ defaultHeaders: { "X-Claude-Code": "true" } });

const messages = [{ role: "user", content: "What is a gateway?" }];

const passed = await client.chat.completions.create({ model: "gpt-4o", messages });
console.log("Upstream:", passed.choices[0].message.content);

const answered = await claude.chat.completions.create({ model: "sonnet", messages });
console.log("Claude Code:", answered.choices[0].message.content);
