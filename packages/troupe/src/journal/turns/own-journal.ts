/**
 * The journal of one step as the target of its commits. The records and the statements of a part are one change, which moves
 * the head of the journal. The first change creates the journal.
 */
import { type Clock, TimeSlice, type WorkInParts } from '../../core/index.ts'
import type { CommitResult, Fragment, Statement, Storage } from '../../storage/index.ts'
import { EncodedBody, type JournalId } from '../journal-port.ts'
import type { Journals } from '../journals/create-journals.ts'
import type { JournalWriter } from '../journals/journal-writer.ts'
import type { CommittedWrite } from '../recorder-port.ts'
import type { StepSpec } from '../steps-port.ts'

export type Rejection = Extract<CommitResult, { readonly ok: false }>

/** Returns the committed rows of a fragment by its index. */
export type Made = (index: number) => CommittedWrite

/** The outcome with which a change closes the journal; false if it does not close it. */
export type JournalEnd = false | 'completed' | 'failed'

/** A rejection names the index of the fragment that caused it; -1 is the head of the journal. */
export type JournalOutcome = { readonly ok: true; readonly made: Made } | (Rejection & { readonly part: number })

export interface OwnJournalOptions {
  readonly storage: Storage
  readonly journals: Journals
  readonly clock: Clock
  readonly user: string
  readonly step: JournalId
  /** True for the step of a run, whose journal is deleted with that of the run. */
  readonly isChild?: boolean
  readonly retention?: StepSpec['retention']
  readonly expectations?: StepSpec['expectations']
  readonly writer: JournalWriter | undefined
  /** Creates the first record of the journal, unless its first change closes it. */
  readonly firstRecord: () => string
}

interface CommitHow {
  readonly closes: JournalEnd
  /** True after a cancel that has fenced this writer. */
  readonly fenced: boolean
  /** The change moves the journal of the run, which thus exists. */
  readonly isWithRun?: true
}

/** The length of a record from which the next entry begins another one, so that a long answer alone becomes a large value. */
const recordCharacters = 128 * 1024

export class OwnJournal {
  readonly #options: OwnJournalOptions
  #writer: JournalWriter | undefined

  constructor(options: OwnJournalOptions) {
    this.#options = options
    this.#writer = options.writer
  }

  /** Undefined before the journal exists. */
  get writer(): JournalWriter | undefined {
    return this.#writer
  }

  /** Commits entries and fragments in one change. A rejected change does not move the writer. */
  commit(texts: readonly string[], fragments: readonly Fragment[], how: CommitHow): Promise<JournalOutcome> {
    const { storage, user } = this.#options
    const commitAlone = (change: Fragment) => storage.commit({ ...change, id: null, scope: { user } })
    return this.commitThrough(commitAlone, texts, fragments, how) as Promise<JournalOutcome>
  }

  /**
   * The same by a given function, which may add other content to the change.
   * @param commit resolves with undefined if nothing was committed
   */
  async commitThrough(
    commit: (change: Fragment) => Promise<CommitResult | undefined>,
    texts: readonly string[],
    fragments: readonly Fragment[],
    how: CommitHow,
  ): Promise<JournalOutcome | undefined> {
    const before = this.#writer
    const mark = before?.mark()
    const slice = new TimeSlice(this.#options.clock)
    const isCreated = !before && !how.closes
    const records = await slice.finish(recordsOf(isCreated ? [this.#options.firstRecord(), ...texts] : texts))
    const statements: Statement[] = [...this.#journal(records, how).statements]
    const ends = [statements.length]
    for (const fragment of fragments) {
      if (slice.isOver) await slice.renew()
      // A turn of very many messages has more statements in one fragment than a call may have arguments.
      for (const statement of fragment.statements) statements.push(statement)
      ends.push(statements.length)
    }
    const feed = fragments.flatMap((fragment) => fragment.feed ?? [])
    const wake = [...new Set(fragments.flatMap((fragment) => fragment.wake ?? []))]
    let result: CommitResult | undefined
    try {
      result = await commit({ statements: shifted(statements, fragments, ends), feed, wake })
    } catch (error) {
      this.#rewind(before, mark)
      throw error
    }
    if (result?.ok) {
      const { rows, revision } = result
      return { ok: true, made: (index) => ({ rows: rows.slice(ends[index], ends[index + 1]), revision }) }
    }
    this.#rewind(before, mark)
    if (!result) return undefined
    const failed = result.statement
    return { ...result, part: ends.findIndex((end) => failed < end) - 1 }
  }

  #rewind(before: JournalWriter | undefined, mark: ReturnType<JournalWriter['mark']> | undefined): void {
    if (before && mark) before.rewind(mark)
    this.#writer = before
  }

  #journal(bodies: readonly EncodedBody[], { closes, fenced, isWithRun }: CommitHow): Fragment {
    const { journals, user, step, isChild = false, clock, retention, expectations } = this.#options
    const retentionMs = closes === 'failed' ? retention?.failedMs : retention?.completedMs
    const at = clock.now()
    if (this.#writer) {
      // A fenced writer owns no epoch that it could prove.
      if (bodies.length === 0 && !fenced) return this.#writer.prove()
      const isClosed = closes !== false && !fenced
      const { statements } = fenced
        ? this.#writer.appendFenced(at, bodies)
        : this.#writer.append(at, bodies, { last: true, closes: isClosed })
      if (!closes) return { statements }
      return {
        statements: [...statements, ...journals.close(user, step, { isChild, retentionMs, isClosed }).statements],
      }
    }
    const created = journals.create(user, step, 'step', at, bodies, { closed: closes !== false, isChild, retentionMs })
    this.#writer = created.writer
    return { statements: [...((!isWithRun && expectations?.()) || []), ...created.fragment.statements] }
  }
}

/** Converts each `sameAs`, which counts from the first statement of its fragment, to an index of the change. */
function shifted(
  statements: readonly Statement[],
  fragments: readonly Fragment[],
  ends: readonly number[],
): readonly Statement[] {
  if (
    !fragments.some((fragment) =>
      fragment.statements.some((statement) => statement.expect && 'sameAs' in statement.expect),
    )
  )
    return statements
  const moved = statements.slice(0, ends[0])
  fragments.forEach((fragment, index) => {
    for (const statement of fragment.statements) {
      const { expect } = statement
      const start = ends[index] as number
      moved.push(expect && 'sameAs' in expect ? { ...statement, expect: { sameAs: expect.sameAs + start } } : statement)
    }
  })
  return moved
}

/** Joins entries into records. */
function* recordsOf(texts: readonly string[]): WorkInParts<readonly EncodedBody[]> {
  const records: EncodedBody[] = []
  let open: string[] = []
  let length = 0
  const close = () => {
    const record = new EncodedBody(`[${open.join(',')}]`)
    // The bytes are counted here, in parts, and not all at once when the records are stored.
    void record.bytes
    records.push(record)
    open = []
    length = 0
  }
  for (const text of texts) {
    if (length > 0 && length + text.length > recordCharacters) close()
    open.push(text)
    length += text.length
    yield
  }
  if (open.length > 0) close()
  return records
}
