/**
 * Lists what waits for a person, of one user or of all users, from four sources: uncertain effects, waiting runs, threads with
 * open questions, and runs in progress with open questions. A page continues in the next source where one is exhausted.
 */
import {
  addStepTaint,
  checkOptions,
  checkSignal,
  createPage,
  decodeCursor,
  encodeCursor,
  failure,
  invalidInput,
  type Page,
  type UserId,
  unknownTaint,
} from '../../core/index.ts'
import { journalOwnerOf } from '../../journal/index.ts'
import { listAllRuns, listRunSummaries, type OrchestraHost, type RunSummary } from '../../runs/index.ts'
import { nextUser } from '../../security/index.ts'
import { userTables } from '../troupe-tables.ts'
import type { ApprovalListOptions, OpenApproval } from './approval.ts'
import {
  type ApprovalParts,
  approvalIdOf,
  readHandler,
  readSession,
  readUncertainRun,
  readWaitingRun,
  threadOfId,
} from './read-approval.ts'

/** An item, with its user in a list of all users. */
type ListedApproval = OpenApproval & { readonly user?: UserId }

interface Wanted {
  readonly limit: number
  readonly cursor?: string
  readonly signal?: AbortSignal
}
interface SourcePage {
  readonly items: readonly ListedApproval[]
  readonly cursor?: string | undefined
}
/** @param user undefined: all users */
type Source = (parts: ApprovalParts, user: UserId | undefined, wanted: Wanted) => Promise<SourcePage>

/** The number of runs of a page that are read concurrently. */
const concurrentRuns = 8
/** The number of users that a page of all users reads at most. */
const maxUsers = 500

/** @throws ValidationError, also for a cursor of another list; CancelledError */
export async function listApprovals(
  parts: ApprovalParts,
  user: UserId | undefined,
  options: ApprovalListOptions,
): Promise<Page<ListedApproval>> {
  const what = user === undefined ? 'troupe.listApprovals' : 'user.approvals.list'
  checkOptions(what, options, ['limit', 'cursor', 'signal'])
  const { limit = 50, cursor, signal } = options
  checkSignal(what, signal)
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 500)
    throw invalidInput(`${what}.limit`, 'it must be from 1 to 500')
  const page = await readPage(parts, user, { limit, ...(signal ? { signal } : {}), ...readCursor(cursor) })
  // A title is the beginning of a task or message, and questions quote anything.
  if (page.items.length > 0) addStepTaint(unknownTaint, 'a list of approvals')
  return createPage(page.items, page.cursor, (next) => listApprovals(parts, user, { ...options, limit, cursor: next }))
}

async function readPage(
  parts: ApprovalParts,
  user: UserId | undefined,
  { index: first, cursor: start, limit, signal }: { readonly index: number; readonly cursor?: string } & Wanted,
): Promise<SourcePage> {
  const items: ListedApproval[] = []
  let cursor = start
  for (let index = first; index < sources.length; index++) {
    const isFull = items.length === limit
    const wanted = { limit: isFull ? 1 : limit - items.length, ...(signal ? { signal } : {}) }
    const found = await (sources[index] as Source)(parts, user, {
      ...wanted,
      ...(cursor === undefined ? {} : { cursor }),
    })
    const isNonempty = found.items.length > 0 || found.cursor !== undefined
    // A full page has a cursor only if another item follows.
    if (isFull && isNonempty) return { items, cursor: cursorOf(index, cursor) }
    if (!isFull) items.push(...found.items)
    if (found.cursor !== undefined) return { items, cursor: cursorOf(index, found.cursor) }
    cursor = undefined
  }
  return { items }
}

const cursorOf = (index: number, cursor = ''): string => encodeCursor(`${index}:${cursor}`)

/** @throws ValidationError `cursor.invalid` */
function readCursor(cursor: string | undefined): { readonly index: number; readonly cursor?: string } {
  if (cursor === undefined) return { index: 0 }
  const found = /^([0-3]):(.*)$/s.exec(decodeCursor(cursor))
  if (!found) throw failure('cursor.invalid')
  return { index: Number(found[1]), ...(found[2] === '' ? {} : { cursor: found[2] as string }) }
}

/** Something that may wait: its key is its position among those of its user. */
interface Candidate {
  readonly key: string
  readonly read: () => Promise<OpenApproval | undefined>
}

/**
 * Creates a source that reads users in their order.
 * @param table the table in which a user of the list has rows
 * @param candidates returns the next ones of a user after a key
 */
const byUser =
  (
    table: string,
    candidates: (parts: ApprovalParts, user: UserId, after: string, limit: number) => Promise<readonly Candidate[]>,
  ): Source =>
  async (parts, user, { limit, cursor, signal }) => {
    const items: ListedApproval[] = []
    const position = cursor === undefined ? undefined : readPosition(cursor)
    const tables = userTables.filter(({ name }) => name === table)
    const next = (after: string) => nextUser(parts.stores.storage, tables, after)
    let each = user ?? position?.[0] ?? (await next(''))
    for (let read = 0; each !== undefined; read++) {
      checkSignal('A list of approvals', signal)
      let after = position?.[0] === each ? position[1] : ''
      if (read === maxUsers) return { items, cursor: JSON.stringify([each, after]) }
      for (let isLast = false; !isLast; ) {
        const found = await candidates(parts, each, after, limit + 1)
        isLast = found.length <= limit
        for (const { key, read: readItem } of found) {
          if (items.length === limit) return { items, cursor: JSON.stringify([each, after]) }
          const item = await readItem()
          if (item) items.push(user === undefined ? { user: each, ...item } : item)
          after = key
        }
      }
      each = user === undefined ? await next(each) : undefined
    }
    return { items }
  }

/** @throws ValidationError `cursor.invalid` */
function readPosition(cursor: string): readonly [user: UserId, after: string] {
  try {
    const [user, after] = JSON.parse(cursor) as readonly unknown[]
    if (typeof user === 'string' && typeof after === 'string') return [user, after]
  } catch {
    // Falls through to the rejection.
  }
  throw failure('cursor.invalid')
}

const withUncertainEffects = byUser('uncertain_effects', async (parts, user, after, limit) => {
  const listed = await parts.journal.steps.uncertain.list(user)
  const ids = new Set(listed.map(({ step }) => approvalIdOf(step)))
  const following = [...ids].filter((id) => id > after).toSorted(byText)
  return following.slice(0, limit).map((key) => ({
    key,
    read: () => {
      const run = journalOwnerOf(key)?.run
      if (run !== undefined) return readUncertainRun(parts, user, run, listed)
      const thread = threadOfId(key)
      return thread === undefined ? readHandler(parts, user, key, listed) : readSession(parts, user, thread)
    },
  }))
})

const byText = (a: string, b: string): number => (a < b ? -1 : 1)

/** Sessions with an uncertain effect are in the first source. */
const withQuestions = byUser('session_questions', async (parts, user, after, limit) => {
  const listed = await parts.journal.steps.uncertain.list(user)
  const before = new Set(listed.map(({ step }) => approvalIdOf(step)))
  const threads = await parts.runs.orchestra.parts.stores.threads.store.asking(user, after, limit)
  return threads.map((key) => ({
    key,
    read: async () => {
      const found = await readSession(parts, user, key)
      return found && before.has(found.id) ? undefined : found
    },
  }))
})

type ListedRuns = {
  readonly items: readonly (RunSummary & { readonly user?: UserId })[]
  readonly cursor?: string | undefined
}

/** @param list returns the next runs that may wait for a person */
const runsBy =
  (list: (orchestra: OrchestraHost, user: UserId | undefined, wanted: Wanted) => Promise<ListedRuns>): Source =>
  async (parts, user, wanted) => {
    const listed = await list(parts.runs.orchestra, user, wanted)
    const read = async ({ user: of, ...summary }: ListedRuns['items'][number]) => {
      const found = await readWaitingRun(parts, of ?? (user as UserId), summary)
      return found ? [of === undefined ? found : { user: of, ...found }] : []
    }
    const items: ListedApproval[] = []
    for (let i = 0; i < listed.items.length; i += concurrentRuns)
      items.push(...(await Promise.all(listed.items.slice(i, i + concurrentRuns).map(read))).flat())
    return { items, cursor: listed.cursor }
  }

/** The runs of all users that wait include those of which only a branch waits. */
const waitingRuns = runsBy(({ parts }, user, wanted) =>
  user === undefined
    ? listAllRuns(parts, { ...wanted, status: 'waiting' })
    : listRunSummaries(parts, user, { ...wanted, status: 'waiting' }),
)

/** Runs in progress of which a branch waits for an answer. */
const askingRuns = runsBy(async ({ parts }, user, wanted) =>
  user === undefined
    ? { items: [] }
    : listRunSummaries(parts, user, { ...wanted, status: 'running', reason: 'question' }),
)

/** Cursors have the indexes. */
const sources: readonly Source[] = [withUncertainEffects, waitingRuns, withQuestions, askingRuns]
