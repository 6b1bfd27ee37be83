/** A troupe with something of everything in it, for the fuzzer to call. */
import type { AgentContext } from '../../../../src/agent-types.ts'
import type { Run, User } from '../../../../src/index.ts'
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
  let step = await openStep(library, user)
  return {
    troupe,
    user,
    support,
    run,
    delivery,
    agent,
    get ctx() {
      return step.ctx
    },
    /** The step waits, or has ended: its `ctx` would answer no further call. */
    async renewStep() {
      // A wrong call may have ended it.
      await step.run.cancel().catch(() => {})
      step = await openStep(library, user)
    },
  }
}

interface OpenStep {
  readonly ctx: AgentContext
  readonly run: Run
}

/** Opens a step that ends when its run is cancelled. */
async function openStep({ defineAgent, patterns }: LibraryUnderTest, { orchestra }: User): Promise<OpenStep> {
  const entered = Promise.withResolvers<AgentContext>()
  const held = defineAgent({
    name: 'Held',
    run: (_: unknown, ctx) => {
      entered.resolve(ctx)
      return new Promise<null>((_, reject) => {
        ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason), { once: true })
      })
    },
  })
  const run = await orchestra.start({ task: 'x', topology: patterns.pipeline({ stages: [{ agents: [held] }] }) })
  return { ctx: await entered.promise, run }
}
export type Testbed = Awaited<ReturnType<typeof openTestbed>>
