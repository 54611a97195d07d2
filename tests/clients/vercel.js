// Vercel's AI SDK with tools, over each of its providers.
//
//     node vercel.js chat|compatible|responses|messages whole|streamed MODEL
//
// Prints the answers to two questions as JSON.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [dialect, kind, name] = process.argv.slice(2);
const options = { baseURL: process.env.OPENAI_BASE_URL, apiKey: "unused" };
const model = {
  chat: () => createOpenAI(options).chat(name),
  compatible: () => createOpenAICompatible({ name: "modegate", ...options })(name),
  responses: () => createOpenAI(options).responses(name),
  messages: () => createAnthropic(options)(name),
}[dialect]();

const tools = {
  get_weather: tool({
    description: "Tells the weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      if (city === "Atlantis") throw new Error("no such city");
      return `sunny in ${city}`;
    },
  }),
};
const messages = [];

async function ask(text) {
  messages.push({ role: "user", content: text });
  const request = {
    model,
    tools,
    messages,
    system: "You know the weather.",
    stopWhen: stepCountIs(5),
    maxRetries: 0,
  };
  const result = kind === "whole" ? await generateText(request) : streamText(request);
  if (kind !== "whole") await result.consumeStream({ onError: (error) => { throw error; } });
  messages.push(...(await result.response).messages);
  return result.text;
}

const first = await ask("How is the weather?");
console.log(JSON.stringify([first, await ask("Thank you.")]));
