/** Journals on a storage. */
import { type Clock, checkPorts, type Events, failure, prefixEnd } from '../../core/index.ts'
import type { Blobs, Fragment, Row, Statement, Storage } from '../../storage/index.ts'
import type {
  Body,
  CloseOptions,
  JournalContent,
  JournalId,
  JournalKind,
  JournalLimits,
  JournalRecord,
  Upcaster,
} from '../journal-port.ts'
import { type JournalStatements, journalStatements } from './journal-statements.ts'
import { encodeBody, JournalWriter } from './journal-writer.ts'
import { type HeadRow, headOf, type ReadOptions, readRecordBody, readRecords, versionOf } from './read-records.ts'

export interface JournalsOptions {
  readonly storage: Storage
  readonly clock: Clock
  /** The name of the writing process and its host, for people. */
  readonly owner: string
  readonly limits?: Partial<JournalLimits>
  readonly upcasters?: { readonly [K in JournalKind]?: Upcaster }
  /** Stores large bodies. Without it they are stored in their rows. */
  readonly blobs?: Blobs
  /** Emits `journal.large` when a journal exceeds `warnRecords`. */
  readonly events?: Events
  readonly retention?: JournalRetention
}

export interface JournalRetention {
  /** The retention of a closed journal in ms; 30 days by default. */
  readonly closedMs?: number
  /** Returns the prefixes of the ids of journals that are deleted with this one: those of its steps. */
  readonly childPrefixes?: (journal: JournalId) => readonly string[]
  /** Creates statements for the change that deletes the journal. */
  readonly also?: (user: string, journal: JournalId) => readonly Statement[]
}

/** The limits of Temporal for the history of a workflow. */
export const journalLimits: JournalLimits = {
  warnRecords: 10_240,
  maxRecords: 51_200,
  maxBytes: 50 * 1024 * 1024,
  snapshotEvery: 1_000,
}
const day = 86_400_000
const cleanupConcurrency = 25

/** @example const journals = createJournals({ storage, clock, owner: 'host-1/4711' }) */
export function createJournals(options: JournalsOptions): Journals {
  checkPorts('createJournals', options, ['storage', 'clock'])
  return new Journals(options)
}

export class Journals {
  readonly #options: JournalsOptions
  readonly #statements: JournalStatements
  readonly #limits: JournalLimits
  /** The retention of a closed journal, in ms. */
  retentionMs: number

  constructor(options: JournalsOptions) {
    this.#options = options
    this.#statements = journalStatements(options.storage.dialect)
    this.#limits = { ...journalLimits, ...options.limits }
    this.retentionMs = options.retention?.closedMs ?? 30 * day
  }

  /** Replaces the retention of ended journals, in ms. */
  setRetention(ms: number): void {
    this.retentionMs = ms
  }

  /**
   * Creates a journal with its first records. Fails with `journal.lost` if it exists.
   * @param options.closed it is created as closed
   * @param options.isChild it is deleted with the journal of its run
   * @param options.retentionMs its retention after its end, if it differs from that of other journals
   */
  create(
    user: string,
    id: JournalId,
    kind: JournalKind,
    at: number,
    bodies: readonly Body[],
    options: { readonly closed?: boolean; readonly isChild?: boolean; readonly retentionMs?: number | undefined } = {},
  ): { readonly writer: JournalWriter; readonly fragment: Fragment } {
    const { closed = false, isChild = false, retentionMs } = options
    const encoded = bodies.map((body) => encodeBody(body, `A record of ${id}`))
    const bytes = encoded.reduce((sum, body) => sum + body.bytes, 0)
    const head = encoded.length
    const writer = this.#writer(user, id, kind, { epoch: 1, head, bytes, snapshotAt: 0 })
    const row = { user, id, kind, head, owner: this.#options.owner, bytes, closed: closed ? at : null }
    const created = this.#statements.create([row], { journal: id })
    const statements = [...created, ...writer.records(0, at, encoded)]
    if (closed && !isChild) statements.push(this.#ended(user, id, at, retentionMs))
    return { writer, fragment: { statements } }
  }

  /** Returns the statement that rejects a change with `journal.lost` if the journal does not exist. */
  exists(user: string, id: JournalId): Statement {
    return this.#statements.head(
      { user, id },
      { expect: { rows: 1 }, otherwise: 'journal.lost', detail: { journal: id } },
    )
  }

  /** The newest version of records that this build reads and writes. */
  get form(): number {
    const { run, step } = this.#options.upcasters ?? {}
    return Math.max(versionOf(run), versionOf(step))
  }

  async load(user: string, id: JournalId): Promise<JournalContent | undefined> {
    return (await this.#load(user, id))?.content
  }

  /** Returns all stored records after a sequence number. */
  async read(user: string, id: JournalId, after: number, limit: number): Promise<readonly JournalRecord[]> {
    const [heads, rows] = await this.#options.storage.read({ user }, [
      this.#statements.head({ user, id }, { returns: true }),
      this.#statements.after({ user, id, after, limit }, { returns: true }),
    ])
    const head = heads?.[0]
    return head ? readRecords(user, id, rows ?? [], this.#reading(headOf(head).kind)) : []
  }

  /**
   * Takes the journal over: increments the epoch in a separate change and returns the writer.
   * @param also expectations and rows of the calling module in the same change; their rejection is thrown with its code
   * @throws LeaseLostError `journal.lost` if another process took it over at the same time, or if it is closed
   * @throws NotFoundError `journal.unknown`
   */
  async takeOver(
    user: string,
    id: JournalId,
    at: number,
    also: readonly Statement[] = [],
  ): Promise<{ readonly writer: JournalWriter; readonly content: JournalContent }> {
    const found = await this.#load(user, id)
    if (!found) throw failure('journal.unknown', { journal: id })
    const { content, head } = found
    const { owner } = this.#options
    const takeoverStatement = this.#statements.raiseEpoch(
      { user, id, from: head.head, epoch: head.epoch, owner },
      { expect: { rows: 1 }, otherwise: 'journal.lost', detail: { journal: id } },
    )
    const body = JSON.stringify({ newOwner: owner, from: head.owner })
    const records = this.#statements.records([{ user, id, seq: head.head + 1, at, version: 0, body, blob: null }])
    const statements = [takeoverStatement, ...records, ...also]
    const result = await this.#options.storage.commit({ id: null, scope: { user }, statements })
    if (!result.ok && result.statement > 1) throw failure(result.code, { ...result.detail })
    if (!result.ok) throw failure('journal.lost', { journal: id })
    const epoch = head.epoch + 1
    const snapshotAt = content.snapshot?.seq ?? 0
    const writer = this.#writer(user, id, head.kind, { epoch, head: head.head + 1, bytes: head.bytes, snapshotAt })
    return { writer, content: { ...content, epoch, head: head.head + 1, owner, fenced: undefined } }
  }

  /**
   * Fences journals for the change that cancels: increments their epochs, so that their writers can only record effects. A
   * journal that does not exist is created as closed, so that no process can create it later.
   */
  fence(user: string, ids: readonly JournalId[]): Fragment {
    const at = this.#options.clock.now()
    return { statements: ids.map((id) => this.#statements.fence({ user, id, at })) }
  }

  /**
   * Appends a result after the end of a closed journal.
   * @returns undefined if the journal does not exist or is still open
   */
  async amend(user: string, id: JournalId, bodies: readonly Body[]): Promise<Fragment | undefined> {
    const found = await this.#load(user, id)
    if (!found || (!found.content.closed && found.content.fenced === undefined)) return undefined
    const { kind, epoch, head, bytes } = found.head
    const snapshotAt = found.content.snapshot?.seq ?? 0
    return this.#writer(user, id, kind, { epoch, head, bytes, snapshotAt }).appendEnded(
      this.#options.clock.now(),
      bodies,
    )
  }

  /** Closes a journal. It is deleted after its retention (`retentionMs` if given), or with the journal of its run (`isChild`). */
  close(user: string, id: JournalId, { isChild = false, isClosed = false, retentionMs }: CloseOptions = {}): Fragment {
    const at = this.#options.clock.now()
    const closed = isClosed ? [] : [this.#statements.close({ user, id, at })]
    return { statements: isChild ? closed : [...closed, this.#ended(user, id, at, retentionMs)] }
  }

  /** Sets the retention of ended journals from now on. */
  retainEnded(user: string, ids: readonly JournalId[], retentionMs: number): Fragment {
    const at = this.#options.clock.now()
    const reschedule = (id: JournalId) => [
      this.#statements.forgetEnd({ user, id }),
      this.#ended(user, id, at, retentionMs),
    ]
    return { statements: ids.flatMap(reschedule) }
  }

  /** Closes existing journals as they are: no process continues them, and they are deleted after the given time. */
  abandon(user: string, ids: readonly JournalId[], retentionMs: number): Fragment {
    const at = this.#options.clock.now()
    const end = (id: JournalId) => [
      this.#statements.close({ user, id, at }),
      this.#statements.endedIfThere({ user, id, at, deleteAt: at + retentionMs }),
    ]
    return { statements: ids.flatMap(end) }
  }

  #ended(user: string, id: JournalId, at: number, retentionMs: number | undefined): Statement {
    return this.#statements.ended({ user, id, at, deleteAt: retentionMs === undefined ? null : at + retentionMs })
  }

  /** Deletes closed journals after their retention, with their child journals. @returns the number of deleted journals */
  async cleanup(limit: number): Promise<number> {
    const { storage, clock } = this.#options
    const now = clock.now()
    const [rows] = await storage.read({ work: true }, [
      this.#statements.expired({ before: now - this.retentionMs, now, limit }, { returns: true }),
    ])
    const remove = async (row: Row) => {
      const user = row.user_id as string
      const id = row.journal_id as string
      const deletes = this.#statements.deletes.map((statement) => statement({ user, id }))
      const also = this.#options.retention?.also?.(user, id) ?? []
      const statements = [...deletes, ...this.#released(user, id), ...(await this.#deletedChildren(user, id)), ...also]
      await storage.commit({ id: null, scope: { user }, statements })
    }
    // Several deletions share a durable commit. They are few enough that other changes are not delayed.
    for (let from = 0; from < (rows?.length ?? 0); from += cleanupConcurrency)
      await Promise.all((rows ?? []).slice(from, from + cleanupConcurrency).map(remove))
    return rows?.length ?? 0
  }

  async #deletedChildren(user: string, id: JournalId): Promise<readonly Statement[]> {
    const statements: Statement[] = []
    for (const from of this.#options.retention?.childPrefixes?.(id) ?? []) {
      const range = { user, from, to: prefixEnd(from) }
      const [large] = await this.#options.storage.read({ user }, [this.#statements.large(range, { returns: true })])
      for (const row of large ?? []) statements.push(...this.#released(user, row.journal_id as string))
      statements.push(...this.#statements.deletesWithin.map((statement) => statement(range)))
    }
    return statements
  }

  #released(user: string, id: JournalId): readonly Statement[] {
    const { blobs } = this.#options
    return blobs ? [...blobs.release(user, `journal:${id}`), ...blobs.release(user, `snapshot:${id}`)] : []
  }

  async #load(
    user: string,
    id: JournalId,
  ): Promise<{ readonly content: JournalContent; readonly head: HeadRow } | undefined> {
    // Most often the journal does not exist, which one read shows.
    const [found] = await this.#options.storage.read({ user }, [this.#statements.head({ user, id }, { returns: true })])
    if (!found?.[0]) return undefined
    const [heads, snapshots, rows] = await this.#options.storage.read({ user }, [
      this.#statements.head({ user, id }, { returns: true }),
      this.#statements.latestSnapshot({ user, id }, { returns: true }),
      this.#statements.afterSnapshot({ user, id }, { returns: true }),
    ])
    const row = heads?.[0]
    if (!row) return undefined
    const head = headOf(row)
    const reading = this.#reading(head.kind)
    const stored = snapshots?.[0]
    const snapshot = stored && {
      seq: Number(stored.seq),
      state: await readRecordBody(user, id, stored, 'state', reading),
    }
    const records = await readRecords(user, id, rows ?? [], reading)
    const { epoch, owner, closed, fenced } = head
    return { head, content: { epoch, head: head.head, owner, closed, fenced, snapshot, records } }
  }

  #reading(kind: JournalKind): ReadOptions {
    return { blobs: this.#options.blobs, upcaster: this.#options.upcasters?.[kind] }
  }

  #writer(
    user: string,
    id: JournalId,
    kind: JournalKind,
    at: ConstructorParameters<typeof JournalWriter>[3],
  ): JournalWriter {
    const { clock, events, blobs, upcasters } = this.#options
    const options = {
      statements: this.#statements,
      limits: this.#limits,
      blobs,
      version: versionOf(upcasters?.[kind]),
      warn: (userId: string, journal: JournalId, records: number) =>
        events?.emit({ type: 'journal.large', at: clock.now(), userId, journal, records }),
    }
    return new JournalWriter(options, user, id, at)
  }
}
