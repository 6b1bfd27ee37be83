/**
 * Processes that carry runs on under leases, on one database, and stand still at any moment for longer than others wait:
 * whoever wakes late is refused its append, its context write, its message and its heartbeat, and begins nothing outside.
 */
import type * as durableModule from '../../src/journal/index.ts'
import type { JournalWriter } from '../../src/journal/index.ts'
import type * as runsModule from '../../src/runs/index.ts'
import type * as storageModule from '../../src/storage/index.ts'
import type { Change, Storage } from '../../src/storage/index.ts'
import type { NodeHandle, SimulatedNode, Simulation, SimulationScenario } from '../../src/testing/index.ts'
import { harness, load } from '../reliability/library-under-test.ts'

const durable = (await load('journal/index')) as typeof durableModule
const runsEngine = (await load('runs/index')) as typeof runsModule
const { sqliteDialect } = (await load('storage/index')) as typeof storageModule

const user = 'ada'
const runs = ['r0', 'r1', 'r2', 'r3']
const names = ['a', 'b', 'c']
const leaseMs = 2_000
/** Late turns that are tried in each seed. */
const enough = 3
const tables = [
  'create table key_values (user_id text not null, key text primary key)',
  'create table posts (user_id text not null, key text primary key)',
]
const migrations = [
  ...durable.journalMigrations,
  ...runsEngine.runMigrations,
  { module: 'trial', version: 1, name: 'trial', lowestReader: 1, up: { sqlite: tables, postgres: [] } },
]

/** What has really happened, as nobody inside can know it. */
class Truth {
  /** The newest epoch of each run that is committed. */
  readonly epochs = new Map<string, number>(runs.map((run) => [run, 1]))
  readonly acknowledged: string[] = []
  readonly problems: string[] = []
  late = 0

  /** Told by the database of each change that it committed. */
  saw({ statements }: Change): void {
    for (const { sql, binds } of statements)
      if (/^update journals set head = head \+ 1, epoch = epoch \+ 1/.test(sql)) {
        const run = runs.find((each) => binds.includes(`run:${each}`)) as string
        this.epochs.set(run, (this.epochs.get(run) as number) + 1)
      }
  }

  isLate(run: string, { epoch }: JournalWriter): boolean {
    return (this.epochs.get(run) as number) > epoch
  }
}

type Database = NodeHandle<Pick<Storage, 'commit' | 'read'>>

/** The storage as another process sees it: over the wire, which a frozen process does not read. */
const overTheWire = (database: Database): Storage =>
  ({
    dialect: sqliteDialect,
    location: 'over the wire',
    commit: (change) => database.call((storage) => storage.commit(change)),
    read: (scope, statements) => database.call((storage) => storage.read(scope, statements)),
  }) as Storage

function worker(simulation: Simulation, database: Database, truth: Truth, name: string) {
  return simulation.node(name, async ({ clock, random, ids }: SimulatedNode) => {
    const storage = overTheWire(database)
    const lease = await runsEngine.openProcessLease({ storage, clock, ids, leaseMs })
    const journals = durable.createJournals({ storage, clock, owner: name })
    const store = runsEngine.createRunStore(storage, {
      processId: () => lease.processId,
      form: journals.form,
      mark: (_, word) => word,
    })
    const claims = new runsEngine.RunClaims({ storage, clock, lease, form: journals.form })
    const pause = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))
    let [incarnation, turns] = [0, 0]
    lease.start(() => void incarnation++)
    const mine = async (run: string, writer: JournalWriter) => {
      for (const since = incarnation; since === incarnation; ) {
        await pause(300 * random.next())
        const asked = lease.check()
        if (asked) await asked
        // Given up, it has dropped its runs.
        if (since !== incarnation) return
        if (truth.isLate(run, writer)) truth.problems.push(`${name} acted for ${run} after it was taken over`)
        // What it does outside takes its time, and it may stand still meanwhile.
        await pause(200 * random.next())
        const key = `${run} ${name} ${writer.epoch} ${turns++}`
        const late = truth.isLate(run, writer)
        const write = (table: string) => ({ sql: `insert into ${table} values (?, ?)`, binds: [user, key] })
        const { statements } = writer.append(clock.now(), [key])
        const result = await storage.commit({
          id: null,
          scope: { user },
          statements: [...statements, write('key_values'), write('posts')],
        })
        if (late) truth.late++
        if (late && result.ok) truth.problems.push(`${key} was written after the run was taken over`)
        if (!result.ok) return
        truth.acknowledged.push(key)
        simulation.operation(true)
      }
    }
    claims.start(async (_, run) => {
      const before = incarnation
      const takeover = await journals.takeOver(user, `run:${run}`, clock.now(), [store.claim(user, run)])
      // Taken under a name that was given up before the answer came.
      if (before === incarnation) void mine(run, takeover.writer).catch(() => {})
    })
    return lease
  })
}

const scenario: SimulationScenario = async (simulation) => {
  simulation.heal()
  const { random } = simulation
  const truth = new Truth()
  const disk = simulation.disk()
  const database: Database = simulation.node('database', async ({ clock, random: chance, faults }) => {
    const storage = await harness.openStorage({
      url: 'memory:',
      migrations,
      clock,
      random: chance,
      faults: faults(disk),
    })
    const journals = durable.createJournals({ storage, clock, owner: 'nobody' })
    for (const run of runs) {
      const { statements } = journals.create(user, `run:${run}`, 'run', clock.now(), ['begun']).fragment
      const row = {
        sql: `insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form) values (0, ?, ?, '', 0, 0, 0, 1)`,
        binds: [user, `run:${run}`],
      }
      await storage.commit({ id: null, scope: { user }, statements: [...statements, row] })
    }
    return {
      async commit(change: Change) {
        const result = await storage.commit(change)
        if (result.ok) truth.saw(change)
        return result
      },
      read: (...readArguments: Parameters<Storage['read']>) => storage.read(...readArguments),
    }
  })
  const workers = names.map((name) => worker(simulation, database, truth, name))
  await simulation.sleep(3_000)
  for (let i = 0; i < 100 && truth.late < enough; i++) {
    const one = workers[Math.floor(random.next() * workers.length)] as (typeof workers)[number]
    one.freeze(500 + 7_000 * random.next())
    await simulation.sleep(4_000 * random.next())
  }
  await simulation.sleep(15_000)
  for (const one of workers) one.freeze(600_000)
  const found = await database.call(async (storage) => {
    const read = (sql: string) => storage.read({ user }, [{ sql, binds: [], returns: true }])
    const records = (await read('select body from journal_records where version > 0 and body <> \'"begun"\''))[0] ?? []
    const [values = [], posts = []] = [
      (await read('select key from key_values'))[0],
      (await read('select key from posts'))[0],
    ]
    return { records: records.map(({ body }) => JSON.parse(body as string) as string), values, posts }
  })
  const { acknowledged, problems } = truth
  problems.push(
    ...harness
      .checkAppends({ acknowledged, unknown: unanswered(found.records, acknowledged), found: found.records })
      .map(({ message }) => message),
  )
  for (const rows of [found.values, found.posts])
    if (
      rows
        .map(({ key }) => key)
        .sort()
        .join() !== [...found.records].sort().join()
    )
      problems.push(`${rows.length} rows beside ${found.records.length} records`)
  if (truth.late < enough) problems.push(`only ${truth.late} late turns were tried`)
  if (acknowledged.length < 20) problems.push(`only ${acknowledged.length} turns were written`)
  if (problems.length > 0) throw new Error(problems.join('\n'))
}
export default scenario

/** Written by whoever stands still for good now, before the answer came. */
const unanswered = (found: readonly string[], acknowledged: readonly string[]): readonly string[] => {
  const known = new Set(acknowledged)
  return found.filter((each) => !known.has(each)).slice(0, names.length * runs.length)
}
