// The tool runner of OpenAI's SDK.
//
//     node openai_tools.js chat whole|streamed MODEL
//
// Prints the answers to two questions as JSON.

import OpenAI from "openai";

const [, kind, model] = process.argv.slice(2);
const client = new OpenAI();
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "Tells the weather of a city.",
      parameters: { type: "object", properties: { city: { type: "string" } } },
      parse: JSON.parse,
      function: ({ city }) => (city === "Atlantis" ? "no such city" : `sunny in ${city}`),
    },
  },
];
let messages = [];

async function ask(text) {
  messages.push({ role: "user", content: text });
  const stream = kind === "streamed";
  const runner = client.chat.completions.runTools({ model, messages, tools, stream });
  const answer = await runner.finalContent();
  messages = [...runner.messages];
  return answer;
}

const first = await ask("How is the weather?");
console.log(JSON.stringify([first, await ask("Thank you.")]));
