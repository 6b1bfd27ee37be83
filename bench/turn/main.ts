/**
 * What a step costs: commits, time, and bytes of its journal, in memory and in a file. Beside it, in the same run, the
 * bare cost of as many commits of one row, so that a busy machine shows.
 *
 * node bench/turn/main.ts [steps per line]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Json } from 'troupe'
import {
  createInbox,
  createJournals,
  createSteps,
  createTimers,
  journalMigrations,
  openStorage,
  type Principal,
  type Recorder,
  type Storage,
  systemClock,
  systemRandom,
} from 'troupe/testing'

const [clock, random] = [systemClock, systemRandom]
const count = Number(process.argv[2] ?? 2_000)
const principal: Principal = { userId: 'ada', kind: 'agent', name: 'Bench' }
const folder = mkdtempSync(join(resolve('.'), '.bench-turn-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const programs: Readonly<Record<string, (recorder: Recorder) => Promise<Json>>> = {
  'a plain step': async () => null,
  'one read effect': (recorder) => recorder.effect('read', { class: 'read', input: 1 }, () => 'read'),
  'one once effect': (recorder) => recorder.effect('once', { class: 'at-most-once', input: 1 }, () => 'once'),
  'read, idempotent and once in parallel': (recorder) =>
    Promise.all([
      recorder.effect('read', { class: 'read', input: 1 }, () => 'read'),
      recorder.effect('idempotent', { class: 'idempotent', input: 1 }, () => 'idempotent'),
      recorder.effect('once', { class: 'at-most-once', input: 1 }, () => 'once'),
    ]),
}

for (const url of ['memory:', `sqlite:${join(folder, 'turn.db')}`]) {
  const inner = await openStorage({ url, migrations: journalMigrations, clock, random })
  let commits = 0
  const storage: Storage = {
    dialect: inner.dialect,
    location: inner.location,
    commit(change) {
      commits++
      return inner.commit(change)
    },
    read: (scope, statements) => inner.read(scope, statements),
    feed: (user, after, limit) => inner.feed(user, after, limit),
    onHint: (listener) => inner.onHint(listener),
    state: () => inner.state(),
    onState: (listener) => inner.onState(listener),
    sizes: () => inner.sizes(),
    close: () => inner.close(),
  }
  const journals = createJournals({ storage, clock, owner: 'bench' })
  const inbox = createInbox({ storage, clock })
  const timers = createTimers({ storage, clock })
  const steps = createSteps({ storage, journals, inbox, timers, clock, random })
  /** Wall and processor time of one, in µs: the best of five rounds. */
  const timed = async (run: (round: number, i: number) => Promise<unknown>) => {
    let [wall, cpu] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (let round = 0; round < 5; round++) {
      const [start, used] = [performance.now(), process.cpuUsage()]
      for (let i = 0; i < count; i++) await run(round, i)
      const { user, system } = process.cpuUsage(used)
      wall = Math.min(wall, ((performance.now() - start) * 1_000) / count)
      cpu = Math.min(cpu, (user + system) / count)
    }
    return `${wall.toFixed(0)} µs, ${cpu.toFixed(0)} µs of processor`
  }
  const bare = await timed((round, i) =>
    inner.commit({
      id: null,
      scope: { user: 'ada' },
      ...inbox.put('ada', `run:bare${round}`, `step:${i}`, 'end', null),
    }),
  )
  console.log(`${url === 'memory:' ? 'memory' : 'file'}: one row of an inbox in one commit: ${bare}`)
  for (const [name, program] of Object.entries(programs)) {
    commits = 0
    const times = await timed((round, i) => {
      const id = `step:${name}/${round}/${i}`
      const onEnd = (end: unknown) => inbox.put('ada', 'run:bench', id, 'end', end as Json)
      return steps.execute({ id, principal, input: null, onEnd }, program)
    })
    const records = await journals.read('ada', `step:${name}/0/0`, 0, 100)
    const bytes = records.reduce((sum, record) => sum + JSON.stringify(record.body).length, 0)
    console.log(`  ${name}: ${commits / count / 5} commits, ${times}, ${bytes} bytes`)
  }
  await steps.close()
  await inner.close()
}
