/** A program that speaks for the agent Desk of the user ada, as a client of MCP starts it. */
import { defineAgent } from '../../src/agents/index.ts'
import { serveMcp } from '../../src/protocols/index.ts'
import { KeyMatcher } from '../../src/security/index.ts'
import { createTroupe } from '../../src/startup/index.ts'

// The thread of the evaluator has a matcher of its own.
KeyMatcher.prototype.matches = () => {
  throw new Error('matched on the main thread')
}

const echo = defineAgent({ name: 'Echo', run: async (input) => ({ received: input }) })
const troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [echo] })
await serveMcp(troupe, { user: 'ada', agent: 'Desk', deny: ['broadcast_message_to_agents'] })
process.stdin.once('close', () => void troupe.close())
