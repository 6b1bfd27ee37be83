/** A troupe with something of everything in it, for the fuzzer to call. */
import type { AgentContext } from '../../../../src/agent-types.ts'
import type { User } from '../../../../src/index.ts'
import type { LibraryUnderTest } from './library.ts'
import { fixturesOf } from './valid-arguments.ts'

const keyRing = [{ id: 'e1', key: Buffer.alloc(32, 7).toString('base64') }]

export async function openTestbed(library: LibraryUnderTest) {
  const { agent, other, topology, Note } = fixturesOf(library)
  const troupe = await library.createTroupe({
    storage: 'memory:',
    log: 'silent',
    agents: [agent, other],
    messaging: { signatures: { policy: 'verify', keys: [{ id: 'k1', secret: 'x'.repeat(40) }] } },
    encryption: { keys: keyRing },
  } as never)
  const user = troupe.user('ada')
  const support = user.agent('Support')
  await support.context.push('canary', { a: 1 })
  await troupe.user('zoe').agent('Z').context.push('canary', 1)
  await support.messages.send(Note, 1, { to: 'Support' })
  await user.memory('Support').episodic.add('what happened')
  const run = await user.orchestra.start({ task: 'x', topology })
  await run.result()
  const [delivery] = await support.mailbox.receive()
  return { troupe, user, support, run, delivery, agent, ctx: await openStep(library, user) }
}
/** Returns the `ctx` of a step that never ends. */
async function openStep({ defineAgent, patterns }: LibraryUnderTest, { orchestra }: User): Promise<AgentContext> {
  const entered = Promise.withResolvers<AgentContext>()
  const held = defineAgent({
    name: 'Held',
    run: (_: unknown, ctx) => {
      entered.resolve(ctx)
      return new Promise<null>(() => {})
    },
  })
  await orchestra.start({ task: 'x', topology: patterns.pipeline({ stages: [{ agents: [held] }] }) })
  return entered.promise
}
export type Testbed = Awaited<ReturnType<typeof openTestbed>>
