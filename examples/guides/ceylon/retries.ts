/** A handler that fails is tried again with pauses that double; then the message is put aside, and can be brought back. */
import { createTroupe, defineMessage, type HandlerContext, type Message, Worker } from 'troupe'
import { z } from 'zod'

const Task = defineMessage('task', z.string())

class ResilientAgent extends Worker {
  up = false
  charged = 0
  readonly failures: number[] = []
  readonly abandoned: string[] = []
  readonly #done = Promise.withResolvers<string>()
  readonly done = this.#done.promise

  constructor() {
    super('ResilientAgent', { retry: { attempts: 3, backoff: '1ms' } })
    this.on(Task, this.process)
  }

  async process({ payload }: Message<string>, ctx: HandlerContext) {
    // However often the handler is tried, what it has a key for is done once.
    await ctx.effect('charge', { class: 'at-most-once', key: 'charge' }, () => void this.charged++)
    if (!this.up) throw new Error('the service is down')
    this.#done.resolve(payload)
  }

  override onFailure(_: unknown, __: unknown, { attempt }: { readonly attempt?: number } = {}) {
    this.failures.push(attempt ?? 0)
  }
  /** The guide's handler of failures: called once, when nothing is retried any more. */
  override onDeadLetter(error: unknown) {
    this.abandoned.push((error as Error).message)
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const aside = Promise.withResolvers<void>()
  troupe.on('message.dead-lettered', () => aside.resolve())
  const agent = new ResilientAgent()
  await ada.start(agent)
  await ada.agent('Boss').messages.send(Task, 'the report', { to: 'ResilientAgent' })
  await aside.promise

  const { mailbox } = ada.agent('ResilientAgent')
  const [dead] = (await mailbox.deadLetters()).items
  if (!dead) throw new Error('nothing was put aside')
  agent.up = true
  await mailbox.redrive(dead.message.id)
  return {
    attempts: dead.attempt,
    reason: dead.reason,
    failures: agent.failures,
    abandoned: agent.abandoned,
    done: await agent.done,
    charged: agent.charged,
  }
}

if (import.meta.main) console.log(await main())
