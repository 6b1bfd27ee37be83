/** Told to stop, it takes nothing new, lets what is at work end, and closes what it has opened. */
import { createTroupe, defineAgent, type Troupe } from 'troupe'

/** @returns once everything is closed */
export async function closeOn(signals: readonly NodeJS.Signals[], service: GracefulService): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve())
  })
  await service.close()
}

export class GracefulService {
  readonly #troupe: Troupe
  readonly #active = new Set<Promise<unknown>>()
  #stopping = false

  constructor(troupe: Troupe) {
    this.#troupe = troupe
  }

  async processRequest(request: string) {
    if (this.#stopping) return { error: 'Service shutting down' }
    const slow = defineAgent({
      name: 'Slow',
      run: (input) => new Promise<string>((done) => setTimeout(() => done(`did ${input}`), 30)),
    })
    const work = this.#troupe.user('ada').session(slow).generate(request)
    this.#active.add(work)
    return work.then(({ text }) => ({ text })).finally(() => this.#active.delete(work))
  }

  async close(): Promise<void> {
    this.#stopping = true
    await Promise.allSettled(this.#active)
    await this.#troupe.close()
  }
}

export async function main() {
  const service = new GracefulService(await createTroupe({ storage: 'memory:', log: 'silent' }))
  const closed = closeOn(['SIGTERM', 'SIGINT'], service)
  const active = service.processRequest('the first')
  process.emit('SIGTERM')
  await Promise.resolve()
  const late = await new Promise((resolve) => setImmediate(() => resolve(service.processRequest('too late'))))
  const first = await active
  await closed
  return { first, late }
}

if (import.meta.main) console.log(await main())
