/** What a run did: its path, who spoke with whom, what failed. It is read from the journal, which every run has. */
import { createTroupe, defineAgent, defineTool, finish, LlmAgent, patterns } from 'troupe'
import { Tracer } from 'troupe/operations'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

const weather = defineTool({
  name: 'weather',
  description: 'The weather of a town.',
  inputSchema: z.object({ town: z.string() }),
  effect: 'read',
  execute: ({ town }) => `${town}: rain`,
})
const reporter = new LlmAgent({
  name: 'Reporter',
  model: new MockModel({
    responses: [
      { toolCalls: [{ name: 'weather', args: { town: 'Oslo' } }] },
      { toolCalls: [{ name: 'hand_off', args: { agent_name: 'Editor', request: 'It rains.' } }] },
    ],
  }),
  tools: { weather },
})
let works = false
const editor = defineAgent({
  name: 'Editor',
  run: async (text: string) => {
    if (!works) throw new Error('out of ink')
    return finish(text)
  },
})

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { orchestra } = troupe.user('ada')
  const run = await orchestra.start({
    task: 'What is the weather in Oslo?',
    topology: patterns.swarm({ agents: [reporter, editor] }),
    // The guide's breakpoint: the run stands still at the error until somebody says retry, skip or abort.
    config: { onError: { '*': 'ask' }, verbosity: 'verbose', showAgentThoughts: true, showToolCalls: true },
  })
  const shown: unknown[] = []
  const showing = (async () => {
    for await (const { agent, part } of run.live()) shown.push([agent, (part as { type?: string }).type])
  })()
  const { status, reason, questions } = await run.result()
  const [breakpoint] = questions
  works = true
  if (breakpoint) await run.answer(breakpoint.id, 'retry')
  const { response } = await run.result()
  await showing

  const tracer = await new Tracer({ states: true }).follow(run)
  const { executionPath, interactions, errors, states } = tracer.getTrace()
  // Every state of the run can be had again: a replay decides all of it anew, and calls no model and no tool.
  const { identical } = await orchestra.verifyReplay(run.id)
  return {
    stopped: [status, reason, breakpoint?.kind],
    response,
    path: executionPath.map(({ agent, status }) => `${agent} ${status}`),
    interactions: interactions.map(({ from, to, kind }) => `${from} ${kind} ${to}`),
    errors: errors.map(({ agent, error }) => `${agent}: ${error.message}`),
    states: states.length,
    identical,
    shown,
  }
}

if (import.meta.main) console.log(await main())
