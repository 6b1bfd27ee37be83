/**
 * The shapes of bench/orchestra on LangGraph.js (with its checkpointer in memory) and on Mastra, whose workflow keeps its
 * state in memory. Install here first: `npm ci --ignore-scripts --workspaces=false`.
 *
 * node bench/orchestra/peers/main.mjs [rounds of the small ones]
 */
import { Annotation, MemorySaver, Send, StateGraph } from '@langchain/langgraph'
import { createStep, createWorkflow } from '@mastra/core/workflows'
import { z } from 'zod'

const rounds = Number(process.argv[2] ?? 200)

const State = Annotation.Root({
  input: Annotation({ reducer: (_, next) => next }),
  results: Annotation({ reducer: (all, more) => all.concat(more), default: () => [] }),
})
const work = async ({ input }) => ({ results: [input] })

function langGraph(width) {
  const checkpointer = new MemorySaver()
  const graph =
    width === 0
      ? new StateGraph(State)
          .addNode('worker', work)
          .addEdge('__start__', 'worker')
          .addEdge('worker', '__end__')
          .compile({ checkpointer })
      : new StateGraph(State)
          .addNode('lead', async () => ({}))
          .addNode('worker', work)
          .addNode('meet', async ({ results }) => ({ input: results.length }))
          .addEdge('__start__', 'lead')
          .addConditionalEdges('lead', () => Array.from({ length: width }, (_, input) => new Send('worker', { input })))
          .addEdge('worker', 'meet')
          .addEdge('meet', '__end__')
          .compile({ checkpointer })
  let thread = 0
  return async () => {
    const { results } = await graph.invoke({ input: 1 }, { configurable: { thread_id: `${thread++}` } })
    if (results.length !== Math.max(1, width)) throw new Error(`${results.length} of ${width}`)
  }
}

function mastra(width) {
  const number = z.number()
  const worker = createStep({
    id: 'worker',
    inputSchema: number,
    outputSchema: number,
    execute: async ({ inputData }) => inputData,
  })
  const list = z.array(number)
  const split = createStep({
    id: 'lead',
    inputSchema: number,
    outputSchema: list,
    execute: async () => Array.from({ length: width }, (_, i) => i),
  })
  const meet = createStep({
    id: 'meet',
    inputSchema: list,
    outputSchema: number,
    execute: async ({ inputData }) => inputData.length,
  })
  const empty = createWorkflow({ id: `w${width}`, inputSchema: number, outputSchema: number })
  const workflow =
    width === 0
      ? empty.then(worker).commit()
      : empty.then(split).foreach(worker, { concurrency: 10 }).then(meet).commit()
  return async () => {
    const run = await workflow.createRun()
    const { status, result } = await run.start({ inputData: 1 })
    if (status !== 'success' || result !== Math.max(1, width)) throw new Error(`${status} ${result}`)
  }
}

const shapes = [
  { name: 'one step', width: 0, steps: 1, times: rounds },
  { name: 'hub of 5', width: 5, steps: 7, times: Math.ceil(rounds / 4) },
  { name: 'fan-out of 1,000', width: 1_000, steps: 1_002, times: 1 },
  { name: 'fan-out of 10,000', width: 10_000, steps: 10_002, times: 1 },
]
const tooLong = 60_000

for (const [peer, make] of Object.entries({ 'LangGraph.js': langGraph, Mastra: mastra })) {
  console.log(`\n${peer}: µs per step`)
  for (const { name, width, steps, times } of shapes) {
    const play = make(width)
    if (steps < 100) for (let i = 0; i < 10; i++) await play()
    const began = performance.now()
    let played = 0
    for (; played < times && performance.now() - began < tooLong; played++) await play()
    const took = performance.now() - began
    console.log(`  ${name.padEnd(18)} ${((1_000 * took) / played / steps).toFixed(0).padStart(7)}`)
  }
}
