/**
 * A world for tests of this room: a real storage that outlives its processes, a small room with a table of its own, and
 * processes that can be killed before or after any commit, or at any moment.
 */
import { createEvents, failure, type Json, type Principal, seededRandom } from '../core/index.ts'
import { createSkippingClock, type SkippingClock } from '../core/time/skipping-clock.test.fixture.ts'
import { openEncryption, securityMigrations } from '../security/index.ts'
import {
  type Change,
  type Fragment,
  type Migration,
  openStorage,
  type Statement,
  type Storage,
} from '../storage/index.ts'
import type { Resolution } from './effect-port.ts'
import { createInbox } from './inbox/create-inbox.ts'
import type { Inbox } from './inbox-port.ts'
import { journalMigrations } from './journal-migrations.ts'
import type { JournalLimits } from './journal-port.ts'
import { journalTables } from './journal-tables.ts'
import { createJournals, type Journals } from './journals/create-journals.ts'
import type { Recorder } from './recorder-port.ts'
import { createSteps } from './steps/create-steps.ts'
import type { StepsOptions } from './steps/steps-context.ts'
import type { StepSpec, Steps } from './steps-port.ts'
import { createTimers } from './timers/create-timers.ts'
import type { Timers } from './timers-port.ts'

export const user = 'ada'
export const principal: Principal = { userId: user, kind: 'agent', name: 'Tester' }

const keyValueTables = [
  'create table key_values (user_id text not null, key text not null, value text not null, version integer not null, primary key (user_id, key)) without rowid',
  'create table applied (user_id text not null, write text not null, id integer primary key)',
]
export const keyValueMigrations: readonly Migration[] = [
  {
    module: 'key_values',
    version: 1,
    name: 'key_values',
    lowestReader: 1,
    up: { sqlite: keyValueTables, postgres: keyValueTables },
  },
]

const statement = (sql: string, binds: Statement['binds'], more: Partial<Statement> = {}): Statement => ({
  sql,
  binds,
  ...more,
})

export const readBook = async (storage: Storage, key: string): Promise<{ value: Json; version: number }> => {
  const query = statement('select value, version from key_values where user_id = ? and key = ?', [user, key], {
    returns: true,
  })
  const [rows] = await storage.read({ user }, [query])
  const row = rows?.[0]
  return row
    ? { value: JSON.parse(row.value as string) as Json, version: Number(row.version) }
    : { value: null, version: 0 }
}

/** Every write that was committed, in order; each must be there once. */
export const appliedWrites = async (storage: Storage): Promise<string[]> => {
  const [rows] = await storage.read({ user }, [
    statement('select write from applied where user_id = ? order by id', [user], { returns: true }),
  ])
  return (rows ?? []).map((row) => row.write as string)
}

const upsert = `insert into key_values (user_id, key, value, version) values (?, ?, ?, 1)
  on conflict (user_id, key) do update set value = excluded.value, version = key_values.version + 1`

export const writeBook = (key: string, value: Json, ifVersion?: number): Fragment => {
  const text = JSON.stringify(value)
  const write =
    ifVersion === undefined || ifVersion === 0
      ? statement(upsert, [user, key, text])
      : statement(
          'update key_values set value = ?, version = version + 1 where user_id = ? and key = ? and version = ?',
          [text, user, key, ifVersion],
          { expect: { rows: 1 }, otherwise: 'storage.expectation', detail: { key } },
        )
  return {
    statements: [write, statement('insert into applied (user_id, write) values (?, ?)', [user, `${key}=${text}`])],
  }
}

/** The small room as a step sees it. */
export const keyValuesOf = (storage: Storage) => ({
  get: (recorder: Recorder, key: string) =>
    recorder.answer({ kind: 'get', name: key }, () => readBook(storage, key)) as Promise<{
      value: Json
      version: number
    }>,
  push: (recorder: Recorder, key: string, value: Json, ifVersion?: number) =>
    recorder.stage({
      call: { kind: 'push', name: key },
      module: 'context',
      fragment: () => writeBook(key, value, ifVersion),
    }),
})

/** A storage that a kill takes from its process: nothing that the process asks afterwards is done or answered. */
export class Mortal {
  readonly storage: Storage
  readonly death: Promise<'dead'>
  dead = false
  commits = 0
  #die!: () => void

  /** @param kill before or after which of its commits, counted from 1 */
  constructor(inner: Storage, kill?: { readonly at: number; readonly when: 'before' | 'after' }) {
    this.death = new Promise((resolve) => {
      this.#die = () => resolve('dead')
    })
    const never = <T>() => new Promise<T>(() => {})
    const alive = async <T>(run: () => Promise<T>): Promise<T> => {
      if (this.dead) return never<T>()
      const result = await run()
      return this.dead ? never<T>() : result
    }
    this.storage = {
      ...inner,
      dialect: inner.dialect,
      location: inner.location,
      commit: async (change: Change) => {
        if (this.dead) return never()
        this.commits++
        const last = kill !== undefined && this.commits === kill.at
        if (last && kill.when === 'before') {
          this.kill()
          return never()
        }
        const result = await inner.commit(change)
        if (last) this.kill()
        return this.dead ? never() : result
      },
      read: (scope, statements) => alive(() => inner.read(scope, statements)),
      feed: (...args) => inner.feed(...args),
      onHint: (listener) => inner.onHint((hint) => this.dead || listener(hint)),
      state: () => inner.state(),
      onState: (listener) => inner.onState(listener),
      sizes: () => inner.sizes(),
      close: () => inner.close(),
    }
  }

  kill(): void {
    this.dead = true
    this.#die()
  }
}

export interface Instance {
  readonly mortal: Mortal
  readonly storage: Storage
  readonly journals: Journals
  readonly inbox: Inbox
  readonly timers: Timers
  readonly steps: Steps
}

/** As whoever finds out about an uncertain effect does it: in a change of its own. */
export async function resolveEffect(
  { storage, steps }: Instance,
  step: string,
  call: string,
  resolution: Resolution,
): Promise<void> {
  const result = await storage.commit({ id: null, scope: { user }, ...steps.resolve(user, step, call, resolution) })
  if (!result.ok) throw failure(result.code, { ...result.detail })
}

/** They have rows of work: what is put into the inboxes of these runs and of their steps arrives. */
const openRuns = ['run', ...Array.from({ length: 10 }, (_, n) => `${n}`)]

export interface JournalTestbed {
  readonly clock: SkippingClock
  readonly storage: Storage
  instance(options?: {
    readonly kill?: { readonly at: number; readonly when: 'before' | 'after' }
    readonly limits?: StepsOptions['limits']
    readonly journalLimits?: Partial<JournalLimits>
    readonly owner?: string
  }): Instance
  spec(id: string, more?: Partial<StepSpec>): StepSpec
  /** Lets time pass while `what` goes on. */
  during<T>(what: Promise<T>): Promise<T>
  close(): Promise<void>
}

async function openRunsIn(storage: Storage): Promise<void> {
  const insert = `insert into work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form)
    values (0, ?, ?, '', 0, 0, 0, 1)`
  const statements = openRuns.map((run) => statement(insert, [user, `run:${run}`]))
  await storage.commit({ id: null, scope: { user }, statements })
}

export async function createJournalTestbed(
  url = 'memory:',
  seed = 'world',
  encrypted = false,
): Promise<JournalTestbed> {
  const clock = createSkippingClock()
  const random = seededRandom(seed)
  const migrations = [...journalMigrations, ...keyValueMigrations, ...securityMigrations]
  const bare = await openStorage({ url, migrations, clock, random })
  const failed = (error: unknown) => {
    throw error
  }
  const config = encrypted ? { keys: [{ id: 'test', key: new Uint8Array(32) }] } : undefined
  const encryptionOptions = {
    storage: bare,
    config,
    clock,
    events: createEvents(failed),
    tables: journalTables,
    failed,
  }
  const { storage } = await openEncryption(encryptionOptions)
  await openRunsIn(storage)
  const runInbox = createInbox({ storage, clock })
  const stops: (() => Promise<void>)[] = []
  return {
    clock,
    storage,
    instance({ kill, limits, journalLimits, owner = 'node' } = {}) {
      const mortal = new Mortal(storage, kill)
      const { storage: own } = mortal
      const journals = createJournals({
        storage: own,
        clock,
        owner,
        ...(journalLimits ? { limits: journalLimits } : {}),
      })
      const inbox = createInbox({ storage: own, clock })
      const timers = createTimers({ storage: own, clock })
      const steps = createSteps({
        storage: own,
        journals,
        inbox,
        timers,
        clock,
        random,
        limits: { backoffMs: 1, ...limits },
      })
      timers.start()
      stops.push(async () => {
        if (!mortal.dead) await Promise.all([steps.close(), timers.stop()])
      })
      return { mortal, storage: own, journals, inbox, timers, steps }
    },
    spec: (id, more = {}) => ({
      id,
      principal,
      input: null,
      onEnd: (end) => runInbox.put(user, 'run:1', id, 'end', end as Json),
      ...more,
    }),
    async during(what) {
      let over = false
      const done = what.finally(() => {
        over = true
      })
      done.catch(() => {})
      // A second in short steps, and a long wait in longer ones.
      for (let steps = 0; !over; steps++) await clock.advance(steps < 200 ? '5ms' : '50ms')
      return done
    },
    async close() {
      await Promise.all(stops.map((stop) => stop()))
      await storage.close()
    },
  }
}
