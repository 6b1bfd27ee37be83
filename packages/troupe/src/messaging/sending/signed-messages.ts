/**
 * Signs messages and checks their signatures. The signed subject has the content of a message, its sender, its
 * recipient and its delivery time, but not its position in the lane. A message is signed when it is passed to the
 * storage, so that a wait for capacity or for the end of a turn does not age the signature. It may then stay in its
 * mailbox for days.
 */
import { asJson, decodeJson, encodeJson, failure, hashJson, type Json, type TroupeError } from '../../core/index.ts'
import type { Incidents, Signatures, Signed } from '../../security/index.ts'
import type { Bind, Row, Statement, Storage } from '../../storage/index.ts'
import { isUnreadable } from '../receiving/message-row.ts'
import type { seenStatements } from '../statements/seen-statements.ts'
import type { OutgoingMessage } from '../statements/send-statements.ts'

type Subject = Pick<
  OutgoingMessage,
  'mailbox' | 'id' | 'type' | 'version' | 'kinds' | 'thread' | 'correlation' | 'envelope' | 'replyTo'
> & { readonly priority: string }

const subjectOf = (subject: Subject, payloadHash: string): Json => {
  const { mailbox, id, type, version, kinds, priority, thread, correlation, envelope, replyTo } = subject
  const about = { id, type, version, kinds, priority, thread, correlation, replyTo }
  return { ...about, to: mailbox, payload: payloadHash, envelope: decodeJson(envelope) }
}
const text = (value: Row[string] | undefined) => (value === null || value === undefined ? null : String(value))

/** When it is to be delivered, and until when: after its acceptance, or at a moment in ms since 1970. */
interface Times {
  readonly available: SignedTime
  readonly expires: SignedTime | null
}
type SignedTime = { readonly after: number } | { readonly at: number }
/** The signature of a message that was accepted before delivery times were signed has none. */
type SignedTimes = Signed & { readonly times?: Times }

/** The highest difference of two times that one statement stores: some engines read their clock for each of them. */
const toleranceMs = 1_000

const signedTimeOf = (bind: Bind): SignedTime =>
  typeof bind === 'object' && bind !== null && '$' in bind ? { after: bind.plusMs ?? 0 } : { at: Number(bind) }
const timesOf = ({ availableAt, expiresAt }: OutgoingMessage): Times => ({
  available: signedTimeOf(availableAt),
  expires: expiresAt === null ? null : signedTimeOf(expiresAt),
})

/**
 * Returns whether the stored times match the signed ones. An earlier expiry is accepted, since a message can also be deleted
 * in spite of its signature. A redriven message has no expiry.
 */
function matchesTimes(row: Row, { available, expires }: Times): boolean {
  const timestampOf = (of: SignedTime) => ('at' in of ? of.at : Number(row.created_at) + of.after)
  if (Math.abs(Number(row.available_at) - timestampOf(available)) > toleranceMs) return false
  if (row.expires_at === null || row.expires_at === undefined) return expires === null || Number(row.failures) > 0
  return expires !== null && Number(row.expires_at) <= timestampOf(expires) + toleranceMs
}

const withTimes = (subject: Json, times: Times | undefined): Json =>
  times === undefined ? subject : { ...(subject as object), times: asJson(times) }

/** An answer, and which request it is the answer to. */
const replySubject = (request: string, answer: Json): Json => ({ reply: request, answer: hashJson(answer) })

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

  sign(message: OutgoingMessage): OutgoingMessage {
    const { user, sender, payloadHash } = message
    const times = timesOf(message)
    const signed = this.#signatures.sign(user, sender, withTimes(subjectOf(message, payloadHash ?? ''), times))
    return signed ? { ...message, signature: encodeJson(asJson({ ...signed, times })) } : message
  }

  /** Signs the answer to a request as its sender; returns it unchanged if the sender has no key. */
  signReply(user: string, agent: string, request: string, answer: Json): Json {
    const signed = this.#signatures.sign(user, agent, replySubject(request, answer))
    return signed ? { ...(answer as object), signature: asJson(signed) } : answer
  }
  /**
   * @returns the error of an answer whose signature is not valid, which is recorded as an incident of the agent that
   * was asked
   */
  async checkReply(user: string, agent: string, request: string, stored: Json): Promise<TroupeError | undefined> {
    const { signature, ...answer } = stored as { readonly [name: string]: Json }
    const signed = signature === undefined ? undefined : readSigned(signature)
    const [rows = []] = await this.#storage.read({ user }, [this.#signatures.revokedAmong([signed?.key ?? ''])])
    const revoked = new Set(rows.map(({ id }) => String(id)))
    // The answer is expected within the time of the request, and its signature covers the id of the request.
    const claimed = { user, agent, subject: replySubject(request, answer), acceptedAt: signed?.at ?? 0 }
    const problem = this.#signatures.check(signed, claimed, revoked)
    if (problem === undefined) return undefined
    this.#incidents.record(user, { agent, action: 'reply', code: problem })
    return failure(problem, { agent })
  }

  /** The statements for the change that acknowledges a message. */
  seen(row: Row): readonly Statement[] {
    return row.signature === null ? [] : [this.#seen.mark({ user: String(row.user_id), id: String(row.id) })]
  }

  /**
   * Returns the errors of messages whose signatures are not valid, by id. Each is recorded as an incident of the named
   * sender.
   * @param jsonOf returns the stored payload
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
      ...rows.map((row) => this.#seen.find({ user, id: String(row.id) })),
    ])
    const revoked = new Set(revokedRows.map(({ id }) => String(id)))
    const problems = new Map<string, TroupeError>()
    for (const [i, row] of rows.entries()) {
      const agent = String(row.sender)
      // An acknowledged message is listed, but not delivered again, so it is not a replay.
      const replayed = (seen[i]?.length ?? 0) > 0 && row.state !== 'done'
      const { times } = signed.get(row) ?? {}
      const found = await subjectIn(row, jsonOf)
      const claimed = { user, agent, subject: withTimes(found ?? {}, times), acceptedAt: Number(row.created_at) }
      const other = found === undefined || (times !== undefined && !matchesTimes(row, times))
      const problem =
        this.#signatures.check(signed.get(row), claimed, revoked) ??
        (other ? 'signature.invalid' : replayed ? 'signature.replayed' : undefined)
      if (problem === undefined) continue
      problems.set(String(row.id), failure(problem, { agent }))
      this.#incidents.record(user, { agent, action: 'send_message_to_agent', code: problem })
    }
    return problems
  }
}

/** Returns the signed subject of a row; undefined for a row that cannot be read, which no sender has signed. */
async function subjectIn(row: Row, jsonOf: (row: Row) => Promise<string>): Promise<Json | undefined> {
  try {
    return subjectOf(
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
      hashJson(decodeJson(await jsonOf(row))),
    )
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return undefined
  }
}

/** Returns the signature of a row; undefined if it has none in the right form. */
function signedOf(row: Row): SignedTimes | undefined {
  if (row.signature === null || row.signature === undefined) return undefined
  try {
    return readSigned(decodeJson(String(row.signature)))
  } catch {
    return noSignature
  }
}
const noSignature: Signed = { key: '', at: 0, signature: '' }

function readSigned(stored: Json): SignedTimes {
  const { key, at, signature, times } = (stored ?? {}) as unknown as Partial<SignedTimes>
  if (typeof key !== 'string' || !Number.isFinite(at) || typeof signature !== 'string') return noSignature
  // Times in another form match no signature.
  return { key, at: Number(at), signature, ...(isTimes(times) ? { times } : {}) }
}

const isSignedTime = (of: unknown): of is SignedTime =>
  typeof of === 'object' && of !== null && Object.values(of).every(Number.isFinite) && ('at' in of || 'after' in of)
const isTimes = (of: Partial<Times> | undefined): of is Times =>
  typeof of === 'object' &&
  of !== null &&
  isSignedTime(of.available) &&
  (of.expires === null || isSignedTime(of.expires))
