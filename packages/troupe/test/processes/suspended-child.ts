/**
 * A process with a run whose model and tool are slower than half of their timeouts: it says when each begins, then what
 * the run responded.
 */

import { writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { createTroupe, defineTool, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

const search = defineTool({
  name: 'search',
  description: 'Searches.',
  inputSchema: z.object({}),
  effect: 'read',
  execute: async () => {
    writeSync(1, 'tool\n')
    await setTimeout(1_500)
    return 'found'
  },
})
const model = new MockModel({
  responses: [
    async () => {
      writeSync(1, 'model\n')
      await setTimeout(1_500)
      return { toolCalls: [{ name: 'search', args: {} }] }
    },
    ({ prompt }) => JSON.stringify(prompt.at(-1)),
  ],
})
const agent = new LlmAgent({ name: 'A', model, tools: { search } })
const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
const { status, response, error } = await troupe.user('ada').orchestra.run({
  task: 't',
  topology: { agents: [agent], flows: ['Start -> A', 'A -> End'] },
  config: { timeouts: { tool: '3s', model: '3s' } },
})
writeSync(1, JSON.stringify({ status, response, code: error?.code ?? null }))
await troupe.close()
