/** Schedules of several processes on one database: each of their times has one run, whoever dies. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { createTroupe, defineMessage, type Troupe } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'
import { tick } from './schedules-team.ts'

const missing = await missingServer()
const schema = schemaName('schedules')
const storage = { url: server, schema } as const
const program = join(import.meta.dirname, 'schedules-child.ts')
const Ping = defineMessage('ping')
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const pollOptions = { timeout: 60_000, interval: 200 }

describe.skipIf(missing !== undefined)('schedules of several processes', () => {
  const children = new Set<ChildProcess>()
  let watcher: Troupe | undefined
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    await watcher?.close()
  })
  afterAll(() => dropSchema(schema))

  const begin = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['--no-warnings', program, JSON.stringify(storage)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.add(child)
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    return child
  }
  const kill = async (child: ChildProcess) => {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    children.delete(child)
  }

  test('The schedules of several processes start one run for each time, change and message while processes are killed.', async () => {
    // It has no agent's code: what it creates the others carry out.
    watcher = await createTroupe({ storage, log: 'silent' })
    const ada = watcher.user('ada')
    const serving = await Promise.all([begin(), begin(), begin()])
    const creator = await createTroupe({ storage, teams: { tick }, log: 'silent' })
    const { schedules } = creator.user('ada')
    const times = ['a', 'b', 'c']
    for (const id of times) await schedules.create({ id, team: 'tick', every: '* * * * * *', misfire: 'all' })
    await schedules.create({ id: 'changes', team: 'tick', onContext: { pattern: 'k.*' } })
    await schedules.create({ id: 'messages', team: 'tick', onMessage: { type: Ping } })
    await creator.close()
    const { messages } = ada.agent('Sender')
    for (let i = 0; i < 20; i++) {
      await ada.context.push(`k.${i}`, i)
      await messages.send(Ping, i, { to: 'messages' })
      await pause(300)
      const next = i % 8 === 3 && serving.length > 1 ? serving.shift() : undefined
      if (next) await kill(next)
    }
    for (const id of times) await ada.schedules.pause(id)
    const runs = async () => {
      const all = []
      for await (const run of await ada.orchestra.list({ limit: 500 })) all.push(run)
      return all
    }
    const unfinished = async () => (await runs()).filter(({ status }) => status !== 'completed').length
    await expect
      .poll(async () => (await runs()).filter(({ id }) => /^(changes|messages)@/.test(id)).length, pollOptions)
      .toBe(40)
    await expect.poll(unfinished, pollOptions).toBe(0)
    const found = await runs()
    const of = (id: string) =>
      found.filter((run) => run.id.startsWith(`${id}@`)).map((run) => run.id.slice(id.length + 1))
    for (const id of times) {
      const due = of(id)
        .map(Date.parse)
        .sort((a, b) => a - b)
      expect(due.length).toBeGreaterThan(3)
      expect(due).toEqual(due.map((_, i) => (due[0] as number) + i * 1_000))
      expect((await ada.schedules.get(id)).problem).toBeUndefined()
    }
    const tasks = async (id: string) => {
      const results = of(id).map(async (name) => (await (await ada.orchestra.get(`${id}@${name}`)).result()).response)
      return (await Promise.all(results)) as { readonly key: string; readonly payload: number }[]
    }
    expect((await tasks('changes')).map(({ key }) => key).sort()).toEqual(
      Array.from({ length: 20 }, (_, i) => `k.${i}`).sort(),
    )
    expect((await tasks('messages')).map(({ payload }) => payload).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    )
  })
  test('The schedules of a user never exceed their limit, even if several processes create them at once.', async () => {
    const open = () => createTroupe({ storage, teams: { tick }, schedules: { limit: 2 }, log: 'silent' })
    const troupes = await Promise.all([open(), open()])
    try {
      for (const user of Array.from({ length: 8 }, (_, i) => `crowd-${i}`)) {
        const made = await Promise.allSettled(
          troupes.flatMap((troupe, t) =>
            [1, 2].map((n) => troupe.user(user).schedules.create({ id: `s${t}${n}`, team: 'tick', in: '1d' })),
          ),
        )
        const rejected = made.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
        expect(rejected).toEqual(['schedule.limit', 'schedule.limit'])
      }
    } finally {
      for (const troupe of troupes) await troupe.close()
    }
  })

  test('The times of a schedule follow the clock of the server, also if that of its process is late.', async () => {
    const creator = await createTroupe({ storage, teams: { tick }, log: 'silent' })
    const late = vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() - 90_000)
    const begun = performance.timeOrigin + performance.now()
    try {
      const { next } = await creator.user('late').schedules.create({ id: 'late', team: 'tick', in: '1h' })
      expect(Math.abs(Date.parse(String(next[0])) - begun - 3_600_000)).toBeLessThan(30_000)
    } finally {
      late.mockRestore()
      await creator.close()
    }
  })
})
