/** Reads the stored tree of the audit log and proves what is in it. */
import { failure } from '../../../core/index.ts'
import type { Storage } from '../../../storage/index.ts'
import { leafText } from '../audit-record.ts'
import type { AuditStatements } from '../audit-statements.ts'
import { openTree } from '../sequencer.ts'
import { consistencyProof, inclusionProof, merkleRoot } from './merkle.ts'

/** The proof that a record is in the tree, as in RFC 9162; hashes in base64url. */
export interface InclusionProof {
  /** The index of the leaf, from 0. */
  readonly index: number
  /** The number of leaves of the tree. */
  readonly size: number
  /** The root of the tree. */
  readonly root: string
  /** The text that is hashed as the leaf. */
  readonly leaf: string
  /** The hashes from the leaf to the root. */
  readonly path: readonly string[]
}

export class TreeProofs {
  readonly #storage: Pick<Storage, 'read'>
  readonly #statements: AuditStatements

  constructor(storage: Pick<Storage, 'read'>, statements: AuditStatements) {
    this.#storage = storage
    this.#statements = statements
  }

  async head(): Promise<{ readonly size: number; readonly root: string }> {
    const [rows] = await this.#storage.read({ work: true }, [this.#statements.head({})])
    const tree = openTree(Number(rows?.[0]?.size ?? 0), String(rows?.[0]?.peaks ?? '[]'))
    return { size: tree.size, root: text(tree.root()) }
  }

  /** @returns the root that the tree had with `size` leaves */
  async root(size: number): Promise<string> {
    return text(await merkleRoot(size, this.#complete))
  }

  /** @throws NotFoundError for a record without a leaf */
  async inclusion(id: string, size: number): Promise<InclusionProof> {
    const [rows] = await this.#storage.read({ work: true }, [this.#statements.leafOf({ id })])
    const row = rows?.[0]
    if (!row) throw failure('audit.unknown', { record: id })
    const index = Number(row.n)
    const [path, root] = await Promise.all([inclusionProof(index, size, this.#complete), this.root(size)])
    const leaf = leafText({ n: index, id, mark: String(row.mark), digest: String(row.digest) })
    return { index, size, root, leaf, path: path.map(text) }
  }

  async consistency(older: number, size: number): Promise<readonly string[]> {
    return (await consistencyProof(older, size, this.#complete)).map(text)
  }

  readonly #complete = async (level: number, last: number): Promise<Buffer> => {
    const statement = level === 0 ? this.#statements.leafAt({ n: last }) : this.#statements.nodeAt({ last, level })
    const [rows] = await this.#storage.read({ work: true }, [statement])
    if (!rows?.[0]) throw failure('audit.broken', { problem: `leaf ${last} is missing` })
    return Buffer.from(String(rows[0].hash), 'base64url')
  }
}

const text = (hash: Buffer): string => hash.toString('base64url')
