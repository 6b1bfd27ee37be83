/** A key takes an effect back outside, and the audit log does not tell. */
import { z } from 'zod'
import { defineTool, LlmAgent } from '../../../../src/index.ts'
import { MockModel } from '../../../../src/testing/index.ts'
import { line } from '../../channel-parts.ts'
import type { Trial } from '../trial.ts'
import { serveAgents } from './serve-agents.ts'

export const auditedUndo: Trial = async ({ storage, check }) => {
  const outside: string[] = []
  const book = defineTool({
    name: 'book',
    description: 'Books.',
    inputSchema: z.object({}),
    effect: 'at-most-once',
    execute: () => {
      outside.push('booked')
      return 'ok'
    },
    undo: async () => void outside.push('cancelled'),
  })
  const model = new MockModel({ responses: [{ toolCalls: [{ name: 'book' }] }, 'Done.'] })
  const clerk = new LlmAgent({ name: 'Clerk', model, tools: { book } })
  await serveAgents({ storage: storage(), agents: [clerk] }, async ({ troupe, caller }) => {
    const { id, request } = await caller({ role: 'moderator', operations: ['runs.resolve'] } as never)
    await (await troupe.user('ada').orchestra.start({ id: 'r', task: 'x', topology: line(clerk) })).result()
    const { status, text } = await request('POST', '/v1/runs/r/undo', {})
    for (let i = 0; i < 200 && outside.length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 20))
    check(
      'the undo is carried out',
      status < 300 && outside.join() === 'booked,cancelled',
      `${status} ${text} ${outside}`,
    )
    await troupe.audit.flush()
    const { items } = await troupe.audit.list({ user: 'ada', limit: 100 })
    const record = items.find(({ key, allowed }) => key === id && allowed)
    check(
      'the audit log has the undo with its key',
      record !== undefined,
      items.map(({ operation }) => operation),
    )
  })
}
