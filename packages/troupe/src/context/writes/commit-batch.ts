/** An atomic batch outside a step: all operations in one change that applies as a whole or not at all. */
import { failure } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { BatchOperation, BatchOperationResult } from '../context-client.ts'
import { restoreValue } from '../entries/entry-row.ts'
import { type Actor, quotaOf, removeFragment, unboundedPush } from '../entries/fragments.ts'
import type { Committed } from '../mesh-core.ts'
import type { MeshServices } from '../mesh-services.ts'
import { pushedVersion } from '../reads/write-version.ts'
import { now, readerValues } from '../statements/visibility.ts'
import { aborted, foundOf, type PreparedOperation, revisionOf } from './parse-batch.ts'

/** @property missing a delete whose entry did not exist in an earlier attempt */
type Prepared = PreparedOperation & { readonly missing?: boolean }

interface Part extends Fragment {
  /** The index of the statement whose rows are the result. */
  readonly result: number
}

function partOf(operation: Prepared, mesh: MeshServices, actor: Actor): Part {
  const { core } = mesh
  if (operation.type === 'push') {
    const { put, ...fragment } = unboundedPush(core, actor, operation.push)
    return { ...fragment, result: put }
  }
  const values = readerValues(actor)
  if (operation.type === 'get')
    return { statements: [core.reads.value({ ...values, key: operation.key }, { returns: true })], result: 0 }
  if (!operation.missing) return { ...removeFragment(core, actor, operation.removal), result: 0 }
  // The entry did not exist in the earlier attempt, and must not exist when the others apply.
  const gone = core.writes.visible(
    { ...values, user: actor.user, key: operation.removal.key, now },
    { expect: { rows: 0 } },
  )
  return { statements: [gone], result: 0 }
}

/** @throws the error of the first rejected operation, with a result for each operation. None was applied */
export async function commitBatch(
  mesh: MeshServices,
  actor: Actor,
  operations: readonly BatchOperation[],
  first: readonly PreparedOperation[],
): Promise<readonly BatchOperationResult[]> {
  if (operations.length === 0) return []
  const { core } = mesh
  let prepared: readonly Prepared[] = first
  for (let isFirst = true; ; isFirst = false) {
    const fragments = prepared.map((operation) => partOf(operation, mesh, actor))
    const starts: number[] = []
    let count = 0
    for (const { statements } of fragments) {
      starts.push(count)
      count += statements.length
    }
    // The quota counts the entries after all operations, since a later delete can compensate for a push.
    const lastPush = prepared.findLastIndex(({ type }) => type === 'push')
    const quota = { statements: lastPush < 0 ? [] : quotaOf(core, actor) }
    const result = await core.tryCommit(actor.user, ...fragments, quota)
    if (result.ok) {
      const results: BatchOperationResult[] = []
      for (const [i, operation] of prepared.entries()) {
        const at = (starts[i] ?? 0) + (fragments[i]?.result ?? 0)
        results.push(await resultOf(operation, result, at, { mesh, actor }))
      }
      return results
    }
    const at = result.code === 'context.quota' ? lastPush : starts.findLastIndex((start) => start <= result.statement)
    const broken = prepared[at]
    if (broken?.type !== 'delete' || result.code !== (broken.missing ? 'storage.expectation' : 'context.missing'))
      throw aborted(operations, at, failure(result.code, result.detail))
    // A delete without an entry is not an error. The other operations are committed without it. An attempt for each such
    // delete would cost the square of the batch.
    if (isFirst) prepared = await withoutMissing(prepared, mesh, actor)
    prepared = prepared.with(at, { ...broken, missing: !broken.missing })
  }
}

/** Marks the deletes that will find no entry: the agent sees none now, and no earlier operation writes one. */
async function withoutMissing(
  operations: readonly Prepared[],
  { core }: MeshServices,
  actor: Actor,
): Promise<readonly Prepared[]> {
  const keys = JSON.stringify(operations.flatMap((each) => (each.type === 'delete' ? each.removal.key : [])))
  const [rows = []] = await core.read(actor.user, core.reads.visibleKeys({ ...readerValues(actor), keys }))
  const seen = new Set(rows.map(({ key }) => String(key)))
  return operations.map((operation) => {
    if (operation.type === 'push') seen.add(operation.push.key)
    return operation.type === 'delete' ? { ...operation, missing: !seen.delete(operation.removal.key) } : operation
  })
}

async function resultOf(
  operation: Prepared,
  committed: Committed,
  at: number,
  { mesh, actor }: { readonly mesh: MeshServices; readonly actor: Actor },
): Promise<BatchOperationResult> {
  const { core } = mesh
  if (operation.type === 'delete') {
    const { key } = operation.removal
    if (!operation.missing) mesh.deleted(actor, key, committed.revision)
    return { type: 'delete', key, success: true, deleted: !operation.missing }
  }
  if (operation.type === 'push') {
    const version = await pushedVersion(core, actor.user, operation.push, committed, at)
    await mesh.pushed(actor, operation.push, version, committed.revision)
    return { type: 'push', key: operation.push.key, success: true, version, ...revisionOf(committed) }
  }
  // If the answer of the commit was lost, the versions are read.
  const [read = []] = committed.repeated
    ? await core.read(actor.user, core.reads.value({ ...readerValues(actor), key: operation.key }))
    : [committed.rows[at]]
  const row = read[0]
  const value = row && (await core.loadValue(actor.user, restoreValue(String(row.value))))
  return { type: 'get', key: operation.key, success: true, ...foundOf(value) }
}
