/**
 * What of a message is signed, and the check of it. Everything that says what a message is, whose and for whom, is in the
 * subject; where it stands in its lane is not. A message is signed in the moment at which it is handed to the storage, so
 * that waiting for room or for the end of a turn makes no signature stale; it then may lie in its mailbox for days.
 */
import { decodeJson, encodeJson, failure, hashJson, type Json, type TroupeError } from '../core/index.ts'
import type { Incidents, Signatures, Signed } from '../security/index.ts'
import type { Row, Statement, Storage } from '../storage/index.ts'
import type { seenStatements } from './statements/seen-statements.ts'
import type { Outgoing } from './statements/send-statements.ts'

interface Subject {
  readonly mailbox: string
  readonly id: string
  readonly type: string
  readonly version: number
  readonly kinds: string | null
  readonly priority: string
  readonly thread: string | null
  readonly correlation: string | null
  readonly envelope: string
  readonly replyTo: string | null
}

const subjectOf = (subject: Subject, payloadHash: string): Json => {
  const { mailbox, id, type, version, kinds, priority, thread, correlation, envelope, replyTo } = subject
  const about = { id, type, version, kinds, priority, thread, correlation, replyTo }
  return { ...about, to: mailbox, payload: payloadHash, envelope: decodeJson(envelope) }
}
const text = (value: Row[string] | undefined) => (value === null || value === undefined ? null : String(value))

export class SignedMessages {
  readonly #signatures: Signatures
  readonly #storage: Storage
  readonly #incidents: Incidents
  readonly #seen: ReturnType<typeof seenStatements>

  constructor(parts: {
    readonly signatures: Signatures
    readonly storage: Storage
    readonly incidents: Incidents
    readonly seen: ReturnType<typeof seenStatements>
  }) {
    this.#signatures = parts.signatures
    this.#storage = parts.storage
    this.#incidents = parts.incidents
    this.#seen = parts.seen
  }

  sign(message: Outgoing): Outgoing {
    const { user, sender, payloadHash } = message
    const signed = this.#signatures.sign(user, sender, subjectOf(message, payloadHash ?? ''))
    return signed ? { ...message, signature: encodeJson(signed) } : message
  }
  /** For the change in which a message is acknowledged. */
  seen(row: Row): readonly Statement[] {
    return row.signature === null ? [] : [this.#seen.mark(String(row.user_id), String(row.id))]
  }

  /**
   * What is wrong with messages that are about to be handed out, by their ids; each is recorded as an incident of who it
   * says that it is from.
   * @param jsonOf the payload as it is stored
   */
  async check(
    user: string,
    rows: readonly Row[],
    jsonOf: (row: Row) => Promise<string>,
  ): Promise<ReadonlyMap<string, TroupeError>> {
    if (rows.length === 0) return new Map()
    const signed = new Map(rows.map((row) => [row, signedOf(row)]))
    const keys = [...new Set([...signed.values()].flatMap((one) => (one ? [one.key] : [])))]
    const [revokedRows = [], ...seen] = await this.#storage.read({ user }, [
      this.#signatures.revokedAmong(keys.length === 0 ? [''] : keys),
      ...rows.map((row) => this.#seen.find(user, String(row.id))),
    ])
    const revoked = new Set(revokedRows.map(({ id }) => String(id)))
    const problems = new Map<string, TroupeError>()
    for (const [i, row] of rows.entries()) {
      const agent = String(row.sender)
      // What is acknowledged already is listed, and not handed out again.
      const replayed = (seen[i]?.length ?? 0) > 0 && row.state !== 'done'
      const claimed = { user, agent, subject: subjectIn(row, await jsonOf(row)), acceptedAt: Number(row.created_at) }
      const problem =
        this.#signatures.check(signed.get(row), claimed, revoked) ?? (replayed ? 'signature.replayed' : undefined)
      if (problem === undefined) continue
      problems.set(String(row.id), failure(problem, { agent }))
      this.#incidents.record(user, { agent, action: 'send_message_to_agent', code: problem })
    }
    return problems
  }
}

const subjectIn = (row: Row, json: string): Json =>
  subjectOf(
    {
      mailbox: String(row.mailbox),
      id: String(row.id),
      type: String(row.type),
      version: Number(row.version),
      kinds: text(row.kinds),
      priority: String(row.priority),
      thread: text(row.thread_id),
      correlation: text(row.correlation_id),
      envelope: String(row.envelope),
      replyTo: text(row.reply_to),
    },
    hashJson(decodeJson(json)),
  )

/** What is no signature at all is one that nobody made. */
function signedOf(row: Row): Signed | undefined {
  if (row.signature === null || row.signature === undefined) return undefined
  const none: Signed = { key: '', at: 0, signature: '' }
  try {
    const { key, at, signature } = decodeJson(String(row.signature)) as unknown as Signed
    return typeof key === 'string' && Number.isFinite(at) && typeof signature === 'string'
      ? { key, at, signature }
      : none
  } catch {
    return none
  }
}
