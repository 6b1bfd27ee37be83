/** A troupe on a virtual clock and a file, and what tests of schedules ask of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { createVirtualClock, type VirtualClock } from '../../core/index.ts'
import {
  type Agent,
  createTroupe,
  type Duration,
  defineAgent,
  finish,
  type Json,
  type Troupe,
  type TroupeConfig,
  type TroupeEvent,
} from '../../index.ts'

export const pollOptions = { timeout: 20_000, interval: 5 }
const echo = defineAgent({ name: 'Echo', run: async (input: Json) => finish(input) })
export const solo = (agent: Agent = echo) => ({
  agents: [agent],
  flows: [`Start -> ${agent.name}`, `${agent.name} -> End`],
})

export class ScheduleTestbed {
  readonly folder = mkdtempSync(join(tmpdir(), 'troupe-schedules-'))
  readonly clock: VirtualClock = createVirtualClock({ start: Date.parse('2026-01-01T00:00:00Z') })
  #open: Troupe[] = []

  async opened(config: Partial<TroupeConfig> = {}): Promise<Troupe> {
    const storage = `sqlite:${join(this.folder, 'troupe.db')}`
    const { clock } = this
    const troupe = await createTroupe({ storage, clock, log: 'silent', teams: { echo: solo() }, ...config })
    this.#open.push(troupe)
    return troupe
  }
  /** Much quicker, for what is not opened again. */
  openedInMemory(config: Partial<TroupeConfig> = {}): Promise<Troupe> {
    return this.opened({ storage: 'memory:', ...config })
  }
  async closed(troupe: Troupe): Promise<void> {
    await troupe.close()
    this.#open = this.#open.filter((one) => one !== troupe)
  }
  async end(): Promise<void> {
    for (const troupe of this.#open) await troupe.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** By the name of the trigger, its response. */
  async runsOf(troupe: Troupe, schedule: string): Promise<Record<string, unknown>> {
    const found: [string, unknown][] = []
    for await (const { id } of await troupe.user('ada').orchestra.list())
      if (id.startsWith(`${schedule}@`)) {
        const { response } = await (await troupe.user('ada').orchestra.get(id)).result()
        found.push([id.slice(schedule.length + 1), response])
      }
    return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  /** To be polled: moves the clock in small steps. */
  countOf(troupe: Troupe, schedule: string): () => Promise<number> {
    return async () => {
      await this.clock.advance('5ms')
      return Object.keys(await this.runsOf(troupe, schedule)).length
    }
  }
  /** Waits behind each step until what was due is taken in: a writer's thread knows nothing of the virtual clock. */
  async pass(step: Duration, times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      await this.clock.advance(step)
      await expect.poll(() => this.#isAllProcessed(), pollOptions).toBe(true)
    }
  }
  async #isAllProcessed(): Promise<boolean> {
    const pages = await Promise.all(this.#open.map((troupe) => troupe.user('ada').schedules.list()))
    const now = new Date(this.clock.now()).toISOString()
    const all = pages.flatMap(({ items }) => items)
    return all.every(({ next, problem }) => problem !== undefined || (next[0] ?? '9') > now)
  }
}

export const collectEvents = (troupe: Troupe): TroupeEvent<'schedule.*'>[] => {
  const events: TroupeEvent<'schedule.*'>[] = []
  troupe.on('schedule.*', (event) => void events.push(event))
  return events
}
