/** The log as lines: a head, the leaves in their order with their records, then records that have no leaf. */
import type { Row, Storage } from '../../../storage/index.ts'
import type { StoredRecord } from '../audit-record.ts'
import { type AuditStatements, auditStatements, toStored } from '../audit-statements.ts'

export interface ExportedHead {
  readonly troupe: 'audit'
  readonly version: 1
  /** The size of the tree, from its head. */
  readonly size: number
}
export interface ExportedLeaf {
  readonly n: number
  readonly id: string
  readonly mark: string
  readonly digest: string
  readonly hash: string
  /** The subtrees that the leaf completed, from level 1 up. */
  readonly nodes: readonly string[]
  /** Absent if the record was deleted. */
  readonly record?: StoredRecord
}
/** Leaves that were removed after their records: the root of their complete subtree. */
export interface ExportedSubtree {
  readonly first: number
  readonly level: number
  readonly hash: string
}
export interface ExportedStray {
  readonly record: StoredRecord
  /** The record's row among those that wait for a leaf; null if it does not wait. */
  readonly waits: string | null
}
export type ExportedLine = ExportedHead | ExportedLeaf | ExportedSubtree | ExportedStray

const page = 1_000

type NodeOf = (last: number, level: number) => Row | undefined

function largestSubtreeAt(first: number, to: number, nodeOf: NodeOf): ExportedSubtree | undefined {
  for (let level = Math.floor(Math.log2(to - first)); level > 0; level--) {
    const node = first % 2 ** level === 0 ? nodeOf(first + 2 ** level - 1, level) : undefined
    if (node) return { first, level, hash: String(node.hash) }
  }
  return undefined
}

/** The largest complete subtrees that fill a gap between leaves, as far as their hashes are there. */
function* subtreesBetween(from: number, to: number, nodeOf: NodeOf): Iterable<ExportedSubtree> {
  for (let first = from; first < to; ) {
    const subtree = largestSubtreeAt(first, to, nodeOf)
    if (!subtree) return
    yield subtree
    first += 2 ** subtree.level
  }
}

export async function* exportAudit(
  storage: Pick<Storage, 'read' | 'dialect'>,
  statements: AuditStatements = auditStatements(storage.dialect),
): AsyncIterable<string> {
  for await (const line of linesOf(storage, statements)) yield JSON.stringify(line)
}

async function* linesOf(storage: Pick<Storage, 'read'>, statements: AuditStatements): AsyncIterable<ExportedLine> {
  const work = { work: true } as const
  const [heads] = await storage.read(work, [statements.head({})])
  yield { troupe: 'audit', version: 1, size: Number(heads?.[0]?.size ?? 0) }
  for (let from = 0; ; ) {
    const [rows = []] = await storage.read(work, [statements.leavesFrom(from, page)])
    const last = rows.at(-1)
    if (!last) break
    const to = Number(last.n)
    const [nodes = []] = await storage.read(work, [statements.nodesBetween({ from, to })])
    const byLeaf = Map.groupBy(nodes, (node) => Number(node.last))
    let next = from
    for (const row of rows) {
      yield* subtreesBetween(next, Number(row.n), (last, level) =>
        byLeaf.get(last)?.find((node) => Number(node.level) === level),
      )
      next = Number(row.n) + 1
      const record = toStored(row)
      yield {
        n: Number(row.n),
        id: String(row.leaf),
        mark: String(row.mark),
        digest: String(row.digest),
        hash: String(row.hash),
        nodes: (byLeaf.get(Number(row.n)) ?? []).map(({ hash }) => String(hash)),
        ...(record ? { record } : {}),
      }
    }
    from = to + 1
  }
  for (let after = ''; ; ) {
    const [rows = []] = await storage.read(work, [statements.strays(after, page)])
    for (const row of rows) {
      const record = toStored(row)
      if (record) yield { record, waits: row.digest === null ? null : String(row.digest) }
    }
    if (rows.length < page) return
    after = String(rows.at(-1)?.id)
  }
}
