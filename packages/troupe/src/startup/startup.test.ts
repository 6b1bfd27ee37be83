import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../test/postgres/postgres-server.ts'
import { type Clock, systemClock } from '../core/index.ts'
import type { TroupeConfig } from '../index.ts'
import { closeParts, closingStages } from './close-parts.ts'
import { openTroupe } from './create-troupe.ts'
import { partsOf } from './troupe.ts'

const missing = await missingServer()
const schema = schemaName('opening')
const folder = mkdtempSync(join(tmpdir(), 'troupe-opening-'))
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  if (missing === undefined) await dropSchema(schema)
})

/** Real time, with the timers that stand. */
function watchedClock() {
  const active = new Set<object>()
  const clock: Clock = {
    ...systemClock,
    after(ms, run, options) {
      const timer = {}
      active.add(timer)
      const cancel = systemClock.after(
        ms,
        () => {
          active.delete(timer)
          run()
        },
        options,
      )
      return () => {
        active.delete(timer)
        cancel()
      }
    },
  }
  return { clock, active }
}

const signals = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection']
/** What this process holds of the world: threads, sockets, files of the folder, listeners for signals. */
function held() {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo())
    if (['TCPSocketWrap', 'MessagePort', 'Worker', 'TCPServerWrap', 'FSEventWrap'].includes(kind))
      counts[kind] = (counts[kind] ?? 0) + 1
  const files = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      return []
    }
  })
  return { counts, files, signals: signals.map((name) => process.listenerCount(name)) }
}

const planted = (at: string) => (stage: string) => {
  if (stage === at) throw new Error('planted')
}

const engines = [
  { name: 'in memory', storage: () => 'memory:', skip: false },
  { name: 'on SQLite', storage: () => `sqlite:${join(folder, 'troupe.db')}`, skip: false },
  { name: 'on PostgreSQL', storage: () => ({ url: server, schema }), skip: missing !== undefined },
]

describe.each(engines)('the opening of a troupe: $name', ({ storage, skip }) => {
  let watched: ReturnType<typeof watchedClock>
  let before: ReturnType<typeof held>
  beforeEach(() => {
    watched = watchedClock()
  })
  const config = (): TroupeConfig => ({
    storage: storage() as TroupeConfig['storage'],
    clock: watched.clock,
    log: 'silent',
    signals: true,
    health: { every: '10s' },
    cassette: { path: join(folder, 'cassette.jsonl'), mode: 'auto' },
    audit: { reads: true },
  })
  const nothingLeft = async (during: string) => {
    // Resources of an earlier test file may end meanwhile, so only an increase is a leak.
    const more = () => {
      const { counts, files, signals: listeners } = held()
      return {
        counts: Object.entries(counts).filter(([kind, count]) => count > (before.counts[kind] ?? 0)),
        files: files.filter((file) => !before.files.includes(file)),
        signals: signals.filter((_, at) => (listeners[at] ?? 0) > (before.signals[at] ?? 0)),
      }
    }
    await expect.poll(more, { message: during }).toEqual({ counts: [], files: [], signals: [] })
    expect(watched.active.size, during).toBe(0)
  }
  /** Opens, works, closes: the place is free, and whole. */
  const works = async () => {
    const troupe = await openTroupe(config())
    await troupe.user('ada').context.push('k', 1)
    await troupe.close()
  }
  const stagesOf = async () => {
    const stages: string[] = []
    const troupe = await openTroupe(config(), {
      fault: (stage) => stages.push(stage),
    })
    await troupe.close()
    return stages
  }

  it.skipIf(skip)(
    'A failure at any stage of the opening releases everything opened before, and names its stage.',
    async () => {
      await works()
      before = held()
      const stages = await stagesOf()
      await nothingLeft('an opening that works')
      expect(stages.length).toBeGreaterThan(15)
      expect(new Set(stages).size).toBe(stages.length)
      for (const stage of stages) {
        await expect(openTroupe(config(), { fault: planted(stage) })).rejects.toMatchObject({
          code: 'troupe.unopened',
          details: { stage, problem: 'planted' },
        })
        await nothingLeft(`a failure of ${stage}`)
      }
      await works()
      await nothingLeft('working afterwards')
    },
  )

  it.skipIf(skip)('A part that fails to close does not prevent others from closing, and is named.', async () => {
    await works()
    before = held()
    for (const stage of closingStages) {
      const troupe = await openTroupe(config())
      await troupe.user('ada').context.push('k', 1)
      await expect(closeParts(troupe[partsOf], planted(stage))).rejects.toMatchObject({
        code: 'troupe.unclosed',
        details: { stage, problem: 'planted' },
      })
      expect(troupe.state).toBe('closed')
      await nothingLeft(`a failure of ${stage}`)
    }
    await works()
  })
})

it('The parts of a troupe open after what they depend on, and close before it.', async () => {
  const opened: string[] = []
  const closed: string[] = []
  const troupe = await openTroupe({ storage: 'memory:', log: 'silent' }, { fault: (stage) => opened.push(stage) })
  await closeParts(troupe[partsOf], (stage) => closed.push(stage))
  const inOrder = (stages: readonly string[], order: readonly string[]) =>
    expect(stages.filter((stage) => order.includes(stage))).toEqual(order)
  inOrder(opened, [
    'secrets',
    'storage',
    'encryption',
    'egress',
    'audit',
    'audit log',
    'observation',
    'work',
    'signals',
  ])
  inOrder(closed, [
    'schedules',
    'timers',
    'workers',
    'steps',
    'mailboxes',
    'context',
    'observation',
    'audit',
    'storage',
  ])
})

it('An error of the catalogue is passed on from the opening, and names its stage.', async () => {
  const storage = `sqlite:${join(folder, 'owned.db')}`
  await using _ = await openTroupe({ storage, log: 'silent' })
  await expect(openTroupe({ storage, log: 'silent' })).rejects.toMatchObject({
    code: 'storage.owned',
    details: { stage: 'storage', pid: process.pid },
  })
})
