/**
 * Large values, stored once per user. A blob is inserted in the same change as its owner, and deleted in the same
 * change as its last owner. A blob without an owner therefore never exists.
 */
import { createHmac, createSecretKey } from 'node:crypto'
import { failure, maxValueBytes } from '../../core/index.ts'
import type { Statement } from '../changes/statement.ts'
import type { Storage } from '../storage-port.ts'
import { openBlobHashes } from './blob-hashes.ts'
import { compileBlobStatements } from './blob-statements.ts'
import { type Blobs, largeBytes, type ValueRef } from './blobs-port.ts'
import { runsOf } from './separated-text.ts'

/**
 * @param options.secret a secret outside the database, combined with the stored secret for new hashes
 * @param options.fileBytes if the storage separates files, the size from which it does; their data does not make a
 * value large
 */
export async function createBlobs(
  storage: Pick<Storage, 'dialect' | 'read'>,
  {
    secret,
    fileBytes = Number.POSITIVE_INFINITY,
  }: { readonly secret?: Uint8Array | undefined; readonly fileBytes?: number } = {},
): Promise<Blobs> {
  const statementsOf = compileBlobStatements(storage.dialect)
  const hashes = await openBlobHashes(storage, secret)
  // Node converts a key of bytes in each call, which takes longer than the hash of a word.
  const markKey = createSecretKey(secret ?? new Uint8Array())
  return {
    store(user, owner, json) {
      const bytes = Buffer.byteLength(json)
      if (bytes > maxValueBytes) throw failure('value.too_large', { what: 'The value', bytes, limit: maxValueBytes })
      if (bytes <= largeBytes) return { value: { json }, statements: [] }
      const separated = runsOf(json, fileBytes).reduce((sum, { from, to }) => sum + to - from, 0)
      if (bytes - separated <= largeBytes) return { value: { json }, statements: [] }
      const hash = hashes.of(user, json)
      // The content is always sent, because the blob may be deleted before the change commits.
      const statements: readonly Statement[] = [
        statementsOf.put({ user, hash, bytes, content: json }),
        statementsOf.own({ user, owner, hash }),
      ]
      return { value: { blob: hash, bytes }, statements }
    },
    share: (user, owner, value) => ('json' in value ? [] : [statementsOf.own({ user, owner, hash: value.blob })]),
    async load(user, value: ValueRef) {
      if ('json' in value) return value.json
      const [found] = await storage.read({ user }, [
        statementsOf.content({ user, hash: value.blob }, { returns: true }),
      ])
      const content = found?.[0]?.content
      if (typeof content !== 'string')
        throw failure('invariant.broken', { rule: 'a value lives as long as its owners' })
      hashes.check(user, content, value.blob)
      return content
    },
    mark: (user, text) =>
      createHmac('sha256', markKey).update(`${user.length} ${user}${text}`).digest('base64url').slice(0, 22),
    release: (user, owner) => [statementsOf.drop({ user, owner }), statementsOf.disown({ user, owner })],
  }
}
