// The tool runner of Anthropic's SDK.
//
//     node anthropic_tools.js messages whole|streamed MODEL
//
// Prints the answers to two questions as JSON.

import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { z } from "zod";

const [, kind, model] = process.argv.slice(2);
const client = new Anthropic();
const weather = betaZodTool({
  name: "get_weather",
  description: "Tells the weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  run: ({ city }) => {
    if (city === "Atlantis") throw new Error("no such city");
    return `sunny in ${city}`;
  },
});
let messages = [];

async function ask(text) {
  messages.push({ role: "user", content: text });
  const runner = client.beta.messages.toolRunner({
    model,
    max_tokens: 1000,
    system: "You know the weather.",
    messages,
    tools: [weather],
    stream: kind === "streamed",
  });
  let message;
  for await (const answer of runner) {
    message = kind === "streamed" ? await answer.finalMessage() : answer;
  }
  messages = [...runner.params.messages];
  return message.content.at(-1).text;
}

const first = await ask("How is the weather?");
console.log(JSON.stringify([first, await ask("Thank you.")]));
