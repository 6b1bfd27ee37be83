/** An agent whose only call needs an approval, and a record of what it sent. */
import { z } from 'zod'
import { defineTool, LlmAgent } from '../../../../src/index.ts'
import { MockModel } from '../../../../src/testing/index.ts'

export function askingClerk() {
  const sent: unknown[] = []
  const send = defineTool({
    name: 'send',
    description: 'Sends.',
    inputSchema: z.object({ to: z.string() }),
    effect: 'at-most-once',
    needsApproval: true,
    execute: (input) => {
      sent.push(input)
      return 'sent'
    },
  })
  const model = new MockModel({
    responses: [
      { match: 'sent', text: 'Done.' },
      { match: 'denied', text: 'Not done.' },
      { match: () => true, toolCalls: [{ name: 'send', args: { to: 'eve' } }] },
    ],
  })
  const clerk = new LlmAgent({ name: 'Clerk', model, tools: { send }, settings: { maxTurns: 3 } })
  const team = { agents: [clerk], flows: ['Start -> Clerk', 'Clerk -> End', 'Clerk -> User', 'User -> Clerk'] }
  return { sent, clerk, team }
}

/** An accepted call is carried out soon after it. */
export const shortWait = (ms = 400): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
