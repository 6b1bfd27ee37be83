/**
 * One trial: a process works through a proxy that breaks one connection at one message. What it was told is true, nothing
 * is doubled, nothing hangs, no operation is refused once it is open, and the storage serves again.
 */
import { createTroupe, defineAgent, defineMessage, finish, patterns, type Troupe } from '../../src/index.ts'
import type { PostgresOptions } from '../../src/storage/index.ts'
import { describeMessage, type Fault, FaultProxy, type Message } from './fault-proxy.ts'

export interface TrialOptions {
  /** URL of the server. */
  readonly server: string
  readonly schema: string
  /** Of this trial alone. */
  readonly user: string
  /** Another process on the same database, whose connections nobody breaks. */
  readonly peer: Troupe
  readonly fault?: Fault
}

export interface TrialReport {
  readonly messages: readonly Message[]
  readonly reached: Message | undefined
  readonly problems: readonly string[]
  /** A part of opening was refused and tried again. */
  readonly rejectedAtOpen: number
}

const Parcel = defineMessage<number>('parcel')
/** With silent connections a troupe closes after its drain of 25 s and some seconds; on a busy machine later. */
const hangsAfterMs = 60_000
const rounds = 3

export async function runFaultTrial(options: TrialOptions): Promise<TrialReport> {
  const proxy = await FaultProxy.open(options.server, options.fault)
  const trial = new Trial(options, proxy)
  try {
    await trial.run().catch((error: Error) => trial.problems.push(`it failed: ${error.message}`))
  } finally {
    await proxy.close()
  }
  const where = proxy.reached ? `${options.fault?.how} ${options.fault?.when} ${describeMessage(proxy.reached)}: ` : ''
  return {
    messages: proxy.messages,
    reached: proxy.reached,
    problems: trial.problems.map((problem) => `${where}${problem}`),
    rejectedAtOpen: trial.rejectedAtOpen,
  }
}

class Trial {
  readonly problems: string[] = []
  rejectedAtOpen = 0
  readonly #options: TrialOptions
  readonly #port: number
  readonly #effects: string[] = []

  constructor(options: TrialOptions, proxy: FaultProxy) {
    this.#options = options
    this.#port = proxy.port
  }

  async run(): Promise<void> {
    const troupe = await this.#open()
    const stop = new AbortController()
    const seen: string[] = []
    const watching = this.#watch(troupe, seen, stop.signal)
    try {
      await this.#pushes(troupe)
      await this.#counts(troupe)
      await this.#verifyWatch(seen)
      await this.#mails(troupe)
      await this.#runs(troupe)
      await this.#serves(troupe)
    } finally {
      stop.abort()
      await this.#within('the watch ends', watching)
      await this.#within('closing', troupe.close())
    }
  }

  #agentHandle(troupe: Troupe, agent = 'A') {
    return troupe.user(this.#options.user).agent(agent)
  }

  /** Whoever is refused at opening tries again. */
  async #open(): Promise<Troupe> {
    const { schema, server } = this.#options
    const { username, pathname } = new URL(server)
    const storage: PostgresOptions = {
      url: `postgres://${username}@127.0.0.1:${this.#port}${pathname}`,
      schema,
      poolSize: 2,
      statementTimeout: '1s',
      acquireTimeout: '20s',
    }
    const { agents } = this.#team()
    for (;;)
      try {
        return await this.#within(
          'startup',
          createTroupe({ storage, agents, log: 'silent', messaging: { lease: '3s' } }),
        )
      } catch (error) {
        if (++this.rejectedAtOpen === 3) throw error
      }
  }

  /** Names of one's own, so that no other trial's process takes the run over. */
  #team() {
    const { user } = this.#options
    const pay = defineAgent({
      name: `Pay_${user}`,
      run: async (_: unknown, ctx) => {
        await ctx.context.push('run.paid', 'begun')
        const receipt = await ctx.effect('pay', { class: 'at-most-once' }, async () => this.#effects.push('pay'))
        await ctx.context.push('run.paid', receipt)
        return receipt
      },
    })
    const thank = defineAgent({
      name: `Thank_${user}`,
      run: async (receipt: unknown, ctx) => {
        await ctx.messages.send(Parcel, 100, { to: 'Thanked' })
        return finish(`thanks for ${receipt}`)
      },
    })
    return { agents: [pay, thank], pay, thank }
  }

  async #pushes(troupe: Troupe): Promise<void> {
    const { context } = this.#agentHandle(troupe)
    for (let version = 0; version < rounds; version++) {
      const pushed = await this.#within('a push', context.push('chain', { version }, { ifVersion: version }))
      this.#expect('the version of a push', pushed.version, version + 1)
    }
    const batch = await this.#within(
      'a batch',
      context.batch(
        [
          { type: 'push', key: 'batched', value: 1 },
          { type: 'get', key: 'chain' },
        ],
        { atomic: true },
      ),
    )
    const results = batch.map((result) => ('revision' in result ? { ...result, revision: 0 } : result))
    this.#expect('a batch', results, [
      { type: 'push', key: 'batched', success: true, version: 1, revision: 0 },
      { type: 'get', key: 'chain', success: true, found: true, value: { version: rounds - 1 } },
    ])
    const { items } = await this.#agentHandle(this.#options.peer).context.history('chain')
    const found = items.map(({ version, value }) => [version, value]).sort()
    this.#expect('the history', found, [
      [1, { version: 0 }],
      [2, { version: 1 }],
      [3, { version: 2 }],
    ])
  }

  async #counts(troupe: Troupe): Promise<void> {
    const { context } = this.#agentHandle(troupe)
    for (let i = 1; i <= rounds; i++)
      await this.#within(
        'an update',
        context.update('count', (value) => ((value as number | undefined) ?? 0) + 1),
      )
    this.#expect('the count', await this.#agentHandle(this.#options.peer).context.get('count'), rounds)
  }

  async #watch(troupe: Troupe, seen: string[], signal: AbortSignal): Promise<void> {
    try {
      for await (const item of this.#agentHandle(troupe, 'W').context.watch({ from: 0, pattern: 'peer.*', signal }))
        seen.push('key' in item ? item.key : item.type)
    } catch (error) {
      this.problems.push(`the watch failed: ${(error as Error).message}`)
    }
  }

  /** What the other process does, this one hears. */
  async #verifyWatch(seen: readonly string[]): Promise<void> {
    const { context } = this.#agentHandle(this.#options.peer)
    for (let i = 0; i < 2; i++) await context.push(`peer.${i}`, i)
    const until = Date.now() + hangsAfterMs
    while (seen.length < 2 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
    this.#expect('what the watch saw', seen, ['peer.0', 'peer.1'])
  }

  async #mails(troupe: Troupe): Promise<void> {
    const { messages } = this.#agentHandle(troupe, 'Sender')
    const { mailbox } = this.#agentHandle(troupe, 'Reader')
    for (let i = 0; i < rounds; i++) await this.#within('a send', messages.send(Parcel, i, { to: 'Reader' }))
    const acknowledged: unknown[] = []
    const until = Date.now() + hangsAfterMs
    while (acknowledged.length < rounds && Date.now() < until)
      for (const delivery of await this.#within('a receive', mailbox.receive({ max: 2, wait: '5s' }))) {
        await this.#within('an ack', delivery.ack())
        acknowledged.push(delivery.message.payload)
      }
    this.#expect('what was acknowledged', acknowledged, [0, 1, 2])
    const { waiting, leased, dead } = await this.#agentHandle(this.#options.peer, 'Reader').mailbox.counts()
    this.#expect('what is left in the mailbox', [waiting, leased, dead], [0, 0, 0])
  }

  async #runs(troupe: Troupe): Promise<void> {
    const { orchestra } = troupe.user(this.#options.user)
    const { pay, thank } = this.#team()
    const topology = patterns.pipeline({ stages: [{ agents: [pay] }, { agents: [thank] }] })
    const run = await this.#within('starting a run', orchestra.start({ id: 'order', task: 'buy', topology }))
    const result = await this.#within('a run', run.result())
    this.#expect('the run', [result.status, result.response], ['completed', 'thanks for 1'])
    this.#expect('its effects', this.#effects, ['pay'])
    const sent = await this.#agentHandle(this.#options.peer, 'Thanked').mailbox.counts()
    this.#expect('what the run sent', sent.unread, 1)
    const { items } = await this.#agentHandle(this.#options.peer).context.history('run.paid')
    this.#expect('what the run pushed', items.map(({ value }) => value).sort(), [1, 'begun'])
  }

  async #serves(troupe: Troupe): Promise<void> {
    const { context } = this.#agentHandle(troupe)
    await this.#within('a push in the end', context.push('last', 'served'))
    this.#expect('the last value', await this.#within('a read in the end', context.get('last')), 'served')
  }

  #expect(what: string, found: unknown, wanted: unknown): void {
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      this.problems.push(`${what} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`)
  }

  async #within<T>(what: string, promise: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} hangs`)), hangsAfterMs)
    })
    try {
      return await Promise.race([promise, late])
    } catch (error) {
      const { code = '', message } = error as { readonly code?: string; readonly message: string }
      throw new Error(`${what}: ${code} ${message}`)
    } finally {
      clearTimeout(timer)
    }
  }
}
