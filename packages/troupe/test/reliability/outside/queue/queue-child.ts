/**
 * One process of the queue: a producer that sends jobs and requests, or a consumer that carries them out. What happened is
 * written to files, a line each, before and after.
 *
 * node queue-child.ts consumer|producer STORAGE FOLDER TAG [COUNT]
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTroupe, defineMessage, Worker } from 'troupe'
import { type JobPayload, jobOf, queueConfig, senders } from './queue-log.ts'

const [role = '', storage = '', folder = '', tag = '', count = '0'] = process.argv.slice(2)
const Job = defineMessage<JobPayload>('job')
const Ask = defineMessage<{ id: string; n: number }, { twice: number }>('ask')
const write = (file: string, ...words: readonly (string | number)[]) =>
  appendFileSync(join(folder, file), `${words.join(' ')}\n`)
const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))

process.on('unhandledRejection', (error) => {
  write('unhandled', role, String((error as Error)?.stack ?? error).replaceAll('\n', ' '))
  process.exit(77)
})

class Work extends Worker {
  constructor() {
    super('Work', { concurrency: 16, retry: { backoff: '20ms', maxBackoff: '50ms' } })
    this.on(Job, async ({ payload: { id, kind } }, ctx) => {
      write('tries', id, ctx.attempt, tag)
      if (kind === 'poison' || (kind === 'flaky' && ctx.attempt < 3)) throw new Error(kind)
      if (kind === 'effect')
        await ctx.effect('carry out', { class: 'at-most-once', key: id }, async () => {
          write('effects', id, tag)
          await pause(Math.random() * 4)
          return null
        })
      write('handled', id, tag)
    })
    this.on(Ask, async ({ payload: { n } }) => ({ twice: n * 2 }))
  }
}

const troupe = await createTroupe(queueConfig(storage))
const user = troupe.user('queue')

async function produce(name: string, jobs: number): Promise<void> {
  const { messages } = user.agent(name)
  const batched = messages.batched({ size: 40, wait: '50ms' })
  let pending: Promise<void>[] = []
  for (let n = 1; n <= jobs; n++) {
    const job = jobOf(name, n)
    if (n % 50 === 0) {
      const { id } = job
      write('requests', 'asked', id)
      messages.request(Ask, { id, n }, { to: 'Work', timeout: '200s' }).then(
        ({ twice }) => write('requests', twice === n * 2 ? 'answered' : 'wrong', id, twice),
        (error: { code?: string }) => write('requests', 'failed', id, `${error.code}`),
      )
    }
    pending.push(
      batched.send(Job, job, { to: 'Work', dedupeId: job.id }).then(
        () => write('sent', job.id),
        (error: { code?: string }) => write('unsent', job.id, `${error.code}`),
      ),
    )
    if (pending.length === 80) {
      await Promise.all(pending)
      pending = []
    }
  }
  await Promise.all(pending)
}

if (role === 'consumer') await user.start(new Work())
process.send?.('works')
if (role === 'producer') {
  const each = Math.ceil(Number(count) / senders)
  await Promise.all(Array.from({ length: senders }, (_, n) => produce(`${tag}S${n}`, each)))
  write('producers', tag)
  // Its requests may still be answered.
  setInterval(() => {}, 1_000)
}
