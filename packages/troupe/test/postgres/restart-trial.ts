/** A server that is stopped at once and started again while eight writers commit and read, and what became of it. */
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { type Migration, openStorage, type Storage } from '../../src/storage/index.ts'
import { Cluster, freePort } from './cluster.ts'

const migrations: readonly Migration[] = [
  {
    module: 'numbers',
    version: 1,
    name: 'numbers',
    lowestReader: 1,
    up: { sqlite: [], postgres: ['create table numbers (user_id text not null, n bigint not null)'] },
  },
]

export interface RestartReport {
  readonly acknowledged: number
  /** What was acknowledged and is not there. */
  readonly lost: readonly string[]
  /** How often something is there once more. */
  readonly doubled: number
  /** What is there though nobody was told so: an outcome that was not found out. */
  readonly unacknowledged: readonly string[]
  /** Changes and reads that failed: each is waited for while the server is away. */
  readonly rejected: readonly string[]
  readonly states: readonly string[]
  /** The longest that a change took, ms. */
  readonly longest: number
}

const writers = 8
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** @param bin the folder of the server's programs */
export async function runRestartTrial(
  bin: string,
  rounds: number,
  print: (line: string) => void = () => {},
): Promise<RestartReport> {
  const cluster = new Cluster({ bin, port: await freePort() })
  try {
    cluster.start()
    const storage = await openStorage({
      url: cluster.url,
      postgres: { acquireTimeout: '30s' },
      migrations,
      clock: systemClock,
      random: systemRandom,
    })
    const load = new Load(storage)
    const running = load.run()
    for (let round = 1; round <= rounds; round++) {
      await pause(300)
      await load.waitForAllWriters()
      await cluster.restart()
      if (round % 20 === 0) print(`${round} restarts, ${load.acknowledged.length} changes`)
    }
    await pause(400)
    load.stopped = true
    await running
    // Who listens comes back with growing pauses.
    for (let i = 0; i < 150 && storage.state().state !== 'open'; i++) await pause(100)
    const report = await load.report()
    await storage.close()
    return report
  } finally {
    cluster.dispose()
  }
}

class Load {
  readonly acknowledged: string[] = []
  readonly #rejected: string[] = []
  readonly #states: string[] = []
  readonly #storage: Storage
  /** Of each writer. */
  readonly #written: number[] = Array(writers).fill(0)
  #longest = 0
  stopped = false

  constructor(storage: Storage) {
    this.#storage = storage
    storage.onState(({ state }) => this.#states.push(state))
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: writers }, (_, writer) => this.#write(writer)))
  }

  /** Each writer is told of one more change: none may be caught away by every restart. */
  async waitForAllWriters(): Promise<void> {
    const before = [...this.#written]
    for (let i = 0; i < 200; i++) {
      if (this.#written.every((count, writer) => count > (before[writer] ?? 0))) return
      await pause(50)
    }
  }

  async #write(writer: number): Promise<void> {
    const user = `u${writer}`
    for (let n = 0; !this.stopped; n++) {
      const statements = [
        { sql: 'insert into numbers (user_id, n) values ($1, $2)', binds: [user, n], expect: { rows: 1 } },
      ]
      const feed = [{ kind: 'put', key: `${n}`, data: '{}' }] as const
      const began = performance.now()
      try {
        const result = await this.#storage.commit({
          id: n % 2 === 0 ? null : `${writer}-${n}`,
          scope: { user },
          statements,
          feed,
        })
        if (result.ok) {
          this.acknowledged.push(`${writer} ${n}`)
          this.#written[writer] = n + 1
        } else this.#rejected.push(`a change: ${result.code}`)
        if (n % 5 === 0) await this.#numbers(user)
      } catch (error) {
        this.#rejected.push((error as Error).message)
      }
      this.#longest = Math.max(this.#longest, performance.now() - began)
    }
  }

  async #numbers(user: string): Promise<readonly unknown[]> {
    const sql = 'select n from numbers where user_id = $1 order by n'
    const [rows = []] = await this.#storage.read({ user }, [{ sql, binds: [user], returns: true }])
    return rows.map(({ n }) => n)
  }

  async report(): Promise<RestartReport> {
    const found: string[] = []
    for (let writer = 0; writer < writers; writer++) {
      const numbers = await this.#numbers(`u${writer}`)
      found.push(...numbers.map((n) => `${writer} ${n}`))
      const { head } = await this.#storage.feed(`u${writer}`, 0, 1)
      if (head !== numbers.length) this.#rejected.push(`revision ${head} of ${numbers.length}`)
    }
    const there = new Set(found)
    const acknowledged = new Set(this.acknowledged)
    return {
      acknowledged: acknowledged.size,
      lost: [...acknowledged].filter((each) => !there.has(each)),
      doubled: found.length - there.size,
      unacknowledged: [...there].filter((each) => !acknowledged.has(each)),
      rejected: this.#rejected,
      states: [...this.#states],
      longest: Math.round(this.#longest),
    }
  }
}
