/**
 * Gives stored records their place in the tree, in batches: no writer waits for it, and the order of the tree is the
 * order in which it finds them. The holder of the lease does it; two holders are kept apart by the size of the tree,
 * which every batch moves from the size that it found. A crash leaves a batch done or undone.
 */
import { type Clock, nextMacrotask, PeriodicTask } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
import { leafText } from './audit-record.ts'
import type { AuditStatements, NewLeaf, NewNode } from './audit-statements.ts'
import { leafHash, MerkleTree } from './tree/merkle.ts'

export interface SequencerParts {
  readonly storage: Pick<Storage, 'commit' | 'read'>
  readonly clock: Clock
  readonly statements: AuditStatements
  /** Names this process. */
  readonly holder: string
  readonly failed: (error: unknown) => void
}

/**
 * The least number of records of a batch, about half a millisecond of processor time. After a full batch the next one
 * is twice as large, since the fixed cost of batches would let writers outrun it.
 */
const least = 25
const maxBatch = 400
const afterMs = 1_000
/** The longest time in ms between two rounds while rounds fail. */
const maxAfterMs = 10_000
/** At this number of waiting records the next batch starts at once. */
const urgentCount = 1_000
/** The time in ms for which a prepared change may still commit, and for which its record is searched. */
const commitWindowMs = 60_000

export class Sequencer {
  readonly #parts: SequencerParts
  readonly #task: PeriodicTask
  #until = 0
  #limit = least
  /** Since the last round began. */
  #expected = 0
  #running: Promise<void> = Promise.resolve()
  #hasLease = false

  constructor(parts: SequencerParts) {
    this.#parts = parts
    const { clock, failed } = parts
    const run = () => this.#round()
    const intervals = { intervalMs: afterMs, maxIntervalMs: maxAfterMs }
    this.#task = new PeriodicTask({ name: 'audit sequencer', clock, ...intervals, run, failed })
  }

  /** Something is about to be stored. */
  expect(): void {
    this.#until = this.#parts.clock.monotonic() + commitWindowMs
    this.#expected++
    if (this.#expected === urgentCount) void this.#task.trigger()
    else this.#task.start()
  }

  /** Resolves when the records that are stored now have their places, by this process or the holder of the lease. */
  run(): Promise<void> {
    const next = this.#running.then(() => this.#drain())
    this.#running = next.catch(() => {})
    return next
  }

  async stop(): Promise<void> {
    await this.#task.close()
    await this.#running
    if (this.#hasLease) await this.#release().catch(this.#parts.failed)
  }

  async #round(): Promise<void> {
    this.#expected = 0
    try {
      await this.run()
    } finally {
      if (this.#parts.clock.monotonic() >= this.#until) this.#task.stop()
    }
  }

  async #drain(): Promise<void> {
    while (await this.#batch(this.#limit)) {
      this.#limit = Math.min(2 * this.#limit, maxBatch)
      await nextMacrotask(this.#parts.clock)
    }
    this.#limit = Math.max(this.#limit / 2, least)
  }

  /** @returns whether there may be more */
  async #batch(limit: number): Promise<boolean> {
    const { storage, statements, holder } = this.#parts
    const [heads, waiting = []] = await storage.read({ work: true }, [
      statements.head({}),
      statements.waiting({ limit }),
    ])
    const head = heads?.[0]
    if (!head || waiting.length === 0) return false
    const old = Number(head.size)
    const tree = openTree(old, String(head.peaks))
    const [leaves, nodes] = [[] as NewLeaf[], [] as NewNode[]]
    // A second request for the leaf of one record, which only raw SQL can make, would fail every later batch.
    for (const row of waiting.filter(({ leaf }) => leaf === null)) {
      const n = tree.size
      const leaf = { n, id: String(row.id), mark: String(row.mark), digest: String(row.digest) }
      const hash = leafHash(leafText(leaf))
      leaves.push({ ...leaf, hash: hash.toString('base64url') })
      for (const [i, node] of tree.append(hash).entries())
        nodes.push({ last: n, level: i + 1, hash: node.toString('base64url') })
    }
    const sequenced = waiting.map(({ id }) => String(id))
    const growth = { old, size: tree.size, peaks: closeTree(tree), holder, leaves, nodes, sequenced }
    const result = await storage.commit({ id: null, scope: { work: true }, statements: statements.grow(growth) })
    if (result.ok) this.#hasLease = true
    return result.ok && waiting.length === limit
  }

  async #release(): Promise<void> {
    const { storage, statements, holder } = this.#parts
    await storage.commit({ id: null, scope: { work: true }, statements: [statements.release({ holder })] })
  }
}

export function openTree(size: number, peaks: string): MerkleTree {
  const list = JSON.parse(peaks) as readonly (readonly [number, string])[]
  return new MerkleTree({
    size,
    peaks: list.map(([level, hash]) => ({ level, hash: Buffer.from(hash, 'base64url') })),
  })
}
const closeTree = (tree: MerkleTree): string =>
  JSON.stringify(tree.peaks.map(({ level, hash }) => [level, hash.toString('base64url')]))
