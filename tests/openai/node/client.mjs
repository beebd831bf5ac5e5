// What a Node program does with the house through OpenAI's official client; prints what it saw as one line of JSON.
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: process.env.HOUSE_URL, apiKey: process.env.HOUSE_KEY, maxRetries: 0 });
const ask = [{ role: "user", content: "Compose a riddle concerning umbrellas" }];
const tools = [
  { type: "function", function: { name: "find_order", description: "Find an order", parameters: { type: "object" } } },
];

const steps = {
  async models() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    return names;
  },

  async whole() {
    const answer = await client.chat.completions.create({ model: "secretary", messages: ask });
    return { text: answer.choices[0].message.content, finish: answer.choices[0].finish_reason, usage: answer.usage };
  },

  async streamed() {
    const stream = await client.chat.completions.create({
      model: "emma",
      messages: ask,
      stream: true,
      stream_options: { include_usage: true },
    });
    const seen = { text: "", role: null, finish: null, usage: null };
    for await (const chunk of stream) {
      const choice = chunk.choices[0];
      seen.role ??= choice?.delta.role ?? null;
      seen.text += choice?.delta.content ?? "";
      seen.finish = choice?.finish_reason ?? seen.finish;
      seen.usage = chunk.usage ?? seen.usage;
    }
    return seen;
  },

  async tools() {
    const runner = client.chat.completions.stream({ model: "emma", messages: ask, tools });
    const message = await runner.finalMessage();
    return { content: message.content, calls: message.tool_calls };
  },

  async aborted() {
    const stream = await client.chat.completions.create({ model: "emma", messages: ask, stream: true });
    let text = "";
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      if (text) stream.controller.abort();
    }
    return text;
  },

  async errors() {
    const caught = [];
    const wrong = [
      () => client.chat.completions.create({ model: "gpt-9", messages: ask }),
      () => client.chat.completions.create({ model: "emma", messages: [] }),
      () => client.withOptions({ apiKey: "sk-wrong" }).models.list(),
    ];
    for (const attempt of wrong) {
      try {
        await attempt();
        caught.push(null);
      } catch (error) {
        caught.push([error.constructor.name, error.status, error.code, error.param, error.type]);
      }
    }
    return caught;
  },

  async audio() {
    const speech = await client.audio.speech.create({
      model: "tts-1",
      voice: "onyx",
      input: "What are your opening hours?",
      response_format: "flac",
    });
    const sound = Buffer.from(await speech.arrayBuffer());
    const heard = await client.audio.transcriptions.create({
      model: "whisper-1",
      file: await toFile(sound, "say.flac"),
      prompt: "What are your opening hours?",
    });
    return { bytes: sound.length, begin: sound.subarray(0, 4).toString("latin1"), text: heard.text };
  },
};

const seen = {};
for (const name of process.argv.slice(2)) seen[name] = await steps[name]();
console.log(JSON.stringify(seen));
