/**
 * Puts, passes, releases, claims and lost leases of two processes in any order, with every hint lost: what came for a run
 * is always to be found by a read of the row of work, or is about to be read by the process that owns the run.
 */
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../../test/postgres/postgres-server.ts'
import { createVirtualClock, seededRandom } from '../../../core/index.ts'
import { createInbox, createJournals, type JournalWriter, journalMigrations } from '../../../journal/index.ts'
import { openStorage, type Row, type Statement, type Storage } from '../../../storage/index.ts'
import { runMigrations } from '../store/run-migrations.ts'
import { createRunStore } from '../store/run-store.ts'

const user = 'ada'
const journal = 'run:1'
const missing = await missingServer()
const schema = schemaName('arrivals')
const engines = [
  { name: 'SQLite', url: 'memory:', runs: 150, skip: undefined },
  { name: 'PostgreSQL', url: server, runs: 12, skip: missing },
]
const steps = ['put', 'pass', 'commit', 'release', 'claim', 'lose'] as const
type Step = readonly [what: (typeof steps)[number], process: 0 | 1]

let storage: Storage | undefined
afterEach(() => storage?.close())
afterAll(() => (missing === undefined ? dropSchema(schema) : undefined))

async function open(url: string): Promise<Storage> {
  storage = await openStorage({
    url,
    migrations: [...journalMigrations, ...runMigrations],
    clock: createVirtualClock(),
    random: seededRandom(1),
    ...(url === 'memory:' ? {} : { postgres: { schema } }),
  })
  return storage
}

/** A process as its rows show it; it hears no hint. */
class OwningProcess {
  name = ''
  writer: JournalWriter | undefined
  /** What the pass that is not committed yet has read. */
  read: readonly number[] = []
  mustRead = false
  readonly #all: Storage
  readonly #inbox
  readonly #journals
  readonly #store
  readonly #index: number
  #names = 0

  constructor(all: Storage, index: number) {
    this.#all = all
    this.#index = index
    const deaf: Storage = {
      dialect: all.dialect,
      location: all.location,
      commit: (change) => all.commit(change),
      read: (...asked) => all.read(...asked),
      feed: (...asked) => all.feed(...asked),
      onHint: () => () => {},
      state: () => all.state(),
      onState: (listener) => all.onState(listener),
      sizes: () => all.sizes(),
      close: () => all.close(),
    }
    this.#inbox = createInbox({ storage: deaf, clock: createVirtualClock(), owner: () => this.name })
    this.#journals = createJournals({ storage: all, clock: createVirtualClock(), owner: 'test' })
    this.#store = createRunStore(all, { processId: () => this.name, form: 1, mark: (_, word) => word })
  }

  async begin(): Promise<void> {
    this.name = `p${this.#index}-${++this.#names}`
    await this.#commit(
      [text(`insert into processes (process_id, lease_until) values ('${this.name}', 9000000000000)`)],
      true,
    )
  }

  put = (n: number) => this.#commit(this.#inbox.put(user, journal, 'test', `n${n}`, n).statements)

  async pass(): Promise<void> {
    if (!this.writer || this.read.length > 0) return
    this.mustRead = false
    this.read = (await this.#inbox.read(user, journal, 10)).map(({ id }) => id)
  }

  async commit(): Promise<void> {
    if (!this.writer || this.read.length === 0) return
    const proof = this.writer.prove().statements
    const removal = this.#inbox.remove(user, journal, this.read).statements
    if (!(await this.#commit([...proof, ...removal]))) this.writer = undefined
    this.read = []
  }

  async release(): Promise<void> {
    if (!this.writer || this.read.length > 0) return
    if (await this.#commit([this.#inbox.empty(user, journal), this.#store.release(user, '1')])) this.writer = undefined
  }

  async claim(): Promise<void> {
    if (this.writer) return
    const claim = [this.#store.claim(user, '1')]
    const claimed = await this.#journals.takeOver(user, journal, 1, claim).catch(() => undefined)
    this.writer = claimed?.writer
    this.mustRead = claimed !== undefined
    this.read = []
  }

  /** Its row is gone; it does not know. */
  async lose(): Promise<void> {
    await this.#commit([text(`delete from processes where process_id = '${this.name}'`)], true)
    this.writer = undefined
    this.read = []
    await this.begin()
  }

  async #commit(statements: readonly Statement[], work = false): Promise<boolean> {
    const scope = work ? ({ work: true } as const) : { user }
    return (await this.#all.commit({ id: null, scope, statements })).ok
  }
}

const text = (sql: string, returns = false): Statement => ({ sql, binds: [], returns })

/** What came and would be found by no read. */
async function overlooked(all: Storage, processes: readonly OwningProcess[]): Promise<readonly Row[]> {
  const [rows = []] = await all.read({ user }, [
    text(
      `select i.id, w.owner from inbox i join work w on w.user_id = i.user_id and w.journal_id = i.journal_id
        where w.woken = 0 and not (w.owner = '' and w.due_at is not null)
          and exists (select 1 from processes p where p.process_id = w.owner or w.owner = '')`,
      true,
    ),
  ])
  return rows.filter(({ id, owner }) => {
    const one = processes.find(({ name }) => name === owner)
    return !one?.mustRead && !one?.read.includes(Number(id))
  })
}

describe.each(engines)('arrivals on $name', ({ url, runs, skip }) => {
  it.skipIf(skip !== undefined)(
    'The row of work shows every arrival that its owner has not read.',
    async () => {
      const all = await open(url)
      const order = fc.array(fc.tuple(fc.constantFrom(...steps), fc.constantFrom(0 as const, 1 as const)), {
        minLength: 4,
        maxLength: 24,
      })
      await fc.assert(
        fc.asyncProperty(order, (trial) => carryOut(all, trial)),
        { numRuns: runs },
      )
    },
    60_000,
  )
})

async function carryOut(all: Storage, trial: readonly Step[]): Promise<void> {
  for (const table of ['inbox', 'journal_records', 'journals', 'work'])
    await all.commit({ id: null, scope: { user }, statements: [text(`delete from ${table}`)] })
  await all.commit({ id: null, scope: { work: true }, statements: [text('delete from processes')] })
  const processes = [new OwningProcess(all, 0), new OwningProcess(all, 1)]
  for (const each of processes) await each.begin()
  const journals = createJournals({ storage: all, clock: createVirtualClock(), owner: 'test' })
  const { statements } = journals.create(user, journal, 'run', 1, ['begun']).fragment
  const row = text(
    `insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form)
      values (0, '${user}', '${journal}', '', 0, 0, 0, 1)`,
  )
  await all.commit({ id: null, scope: { user }, statements: [...statements, row] })
  for (const [n, [what, index]] of trial.entries()) {
    const one = processes[index] as OwningProcess
    if (what === 'put') await one.put(n)
    else await one[what]()
    expect(await overlooked(all, processes)).toEqual([])
  }
}
