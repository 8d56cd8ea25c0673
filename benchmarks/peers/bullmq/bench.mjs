// Chains and fan-outs of BullMQ jobs that do nothing: `node bench.mjs engine REDIS_PORT EXECUTIONS` prints the figures,
// `node bench.mjs serve REDIS_PORT PORT` answers POST /hook after a chain of two jobs.
//
// A step of a chain adds the next under an id that makes a repeat harmless, which is BullMQ's quickest durable chain:
// nested flows have more to write. The end is known from the worker in the same process, without a second connection.
import { createServer } from "node:http";
import { FlowProducer, Queue, Worker } from "bullmq";

const [, , what, redisPort, argument] = process.argv;
const connection = { host: "127.0.0.1", port: Number(redisPort), maxRetriesPerRequest: null };
const CONCURRENCY = 100;
const TRIGGER = { order: 4211, items: [{ sku: "a-1", qty: 2 }], note: "x".repeat(40) };
const run = `${Date.now()}`;
const waiting = new Map();
let number = 0;

function ended(id) {
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function worker(name, work, idOf) {
  const one = new Worker(name, work, { connection, concurrency: CONCURRENCY });
  one.on("completed", (job, result) => {
    const id = idOf(job);
    waiting.get(id)?.resolve(result);
    waiting.delete(id);
  });
  one.on("failed", (job, error) => {
    throw error;
  });
  return one.waitUntilReady();
}

// A chain: `steps` is what each of its jobs does with its input.
async function chains(steps) {
  const queue = new Queue("chain", { connection });
  const last = steps.length - 1;
  const work = async (job) => {
    const { execution, step, input } = job.data;
    const output = steps[step](input);
    if (step < last) {
      const data = { execution, step: step + 1, input: output };
      await queue.add("step", data, { jobId: `${execution}-${step + 1}` });
    }
    return output;
  };
  await worker("chain", work, (job) => (job.data.step === last ? job.data.execution : undefined));
  return async (input, count) => {
    const ids = Array.from({ length: count }, () => `${run}-${number++}`);
    const all = Promise.all(ids.map(ended));
    await queue.addBulk(
      ids.map((id) => ({ name: "step", data: { execution: id, step: 0, input }, opts: { jobId: `${id}-0` } })),
    );
    return all;
  };
}

async function fans(width) {
  const flows = new FlowProducer({ connection });
  const work = async (job) => (job.name === "join" ? Object.values(await job.getChildrenValues()) : job.data.input);
  await worker("fan", work, (job) => job.id);
  return async () => {
    const id = `${run}-${number++}`;
    const end = ended(id);
    const child = { name: "step", queueName: "fan", data: { input: TRIGGER } };
    const children = Array.from({ length: width }, () => child);
    await flows.add({ name: "join", queueName: "fan", data: {}, opts: { jobId: id }, children });
    if ((await end).length !== width) throw new Error("the join came too early");
  };
}

async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function medianOf(times, work) {
  const taken = [];
  for (let index = 0; index < times; index++) taken.push(await timed(work));
  return Number(taken.sort((a, b) => a - b)[Math.floor(times / 2)].toFixed(2));
}

async function engine(executions) {
  const chain = await chains(Array(10).fill((input) => input));
  const fan = await fans(100);
  await chain(TRIGGER, 50);
  const taken = await timed(() => chain(TRIGGER, executions));
  const figures = {
    chain_steps_per_s: Math.round((executions * 10 * 1000) / taken),
    chain_alone_ms: await medianOf(30, () => chain(TRIGGER, 1)),
    fan_out_100_ms: await medianOf(20, fan),
  };
  console.log(JSON.stringify(figures));
  process.exit(0);
}

async function serve(port) {
  const shape = (input) => ({ order: input.order, count: input.items.length });
  const chain = await chains([shape, (input) => input]);
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    if (request.method !== "POST") return response.writeHead(404).end();
    const [output] = await chain(JSON.parse(Buffer.concat(parts)), 1);
    const body = JSON.stringify(output);
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(port, "127.0.0.1");
}

await (what === "serve" ? serve : engine)(Number(argument));
