/** Keys that sign and check messages. */
import type { KeyObject } from 'node:crypto'
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  sign as signWith,
  timingSafeEqual,
  verify as verifyWith,
} from 'node:crypto'
import { checkName, checkOptions, invalidInput, readable, show, truncateText } from '../../core/index.ts'

/**
 * A key that signs or checks messages: an HMAC secret that all signers share, or an agent's Ed25519 key, of which a
 * process that only checks needs the public half. Keys come from the application, stay in memory, and are never stored.
 */
export interface SigningKey {
  /** The id of the key, which each signature names. Never use it for another key. */
  readonly id: string
  /** The agent whose messages it signs; every agent by default. */
  readonly agent?: string
  /** The user whose messages it signs; every user by default. */
  readonly user?: string
  /** The secret of HMAC-SHA-256, at least 32 bytes. A process that can check with it can also sign with it. */
  readonly secret?: string | Uint8Array
  /** The private Ed25519 key, as PEM of PKCS #8 or a KeyObject: signs and checks. */
  readonly privateKey?: string | KeyObject
  /** The public Ed25519 key, as PEM of SPKI or a KeyObject: only checks. */
  readonly publicKey?: string | KeyObject
  /**
   * The time from which the key signs, as ISO text or a Date. It checks before that too, so that it can be given to all
   * processes first.
   */
  readonly from?: string | Date
  /** The time from which signatures of the key are rejected, as ISO text or a Date; none by default. */
  readonly until?: string | Date
}

/** Ready for use. */
export interface ReadyKey {
  readonly id: string
  readonly algorithm: 'ed25519' | 'hmac-sha256'
  readonly agent: string | undefined
  readonly user: string | undefined
  readonly fromMs: number
  readonly untilMs: number
  /** Absent where only the public half is here. */
  readonly sign: ((text: string) => string) | undefined
  readonly verify: (text: string, signature: string) => boolean
}

const wrong = (id: unknown, problem: string) => invalidInput(`The signing key ${truncateText(show(id), 80)}`, problem)

/** @throws ValidationError; never with anything of the key */
export function readyKey(key: SigningKey): ReadyKey {
  checkOptions('signatures.keys', key, ['id', 'agent', 'user', 'secret', 'privateKey', 'publicKey', 'from', 'until'])
  const { id, agent, user } = key
  if (typeof id !== 'string' || !/^[\w.:-]{1,128}$/.test(id))
    throw wrong(id, 'its id must be 1 to 128 letters, digits and any of . : _ -')
  const material = ['secret', 'privateKey', 'publicKey'].filter((name) => Object.hasOwn(key, name))
  if (material.length !== 1) throw wrong(id, 'it has one of secret, privateKey and publicKey')
  return {
    id,
    agent: agent === undefined ? undefined : checkName('agent', agent),
    user: user === undefined ? undefined : checkName('user', user),
    fromMs: timestampOf(id, key.from) ?? Number.NEGATIVE_INFINITY,
    untilMs: timestampOf(id, key.until) ?? Number.POSITIVE_INFINITY,
    ...(key.secret === undefined ? pairOf(key) : shared(id, key.secret)),
  }
}

function timestampOf(id: string, at: string | Date | undefined): number | undefined {
  if (at === undefined) return undefined
  const timestamp = at instanceof Date ? at.getTime() : Date.parse(show(at))
  if (!Number.isFinite(timestamp)) throw wrong(id, 'from and until are Dates or ISO texts of one')
  return timestamp
}

type Means = Pick<ReadyKey, 'algorithm' | 'sign' | 'verify'>

function shared(id: string, secret: string | Uint8Array): Means {
  if (typeof secret !== 'string' && !readable('The signing key', () => secret instanceof Uint8Array))
    throw wrong(id, 'its secret is neither a text nor bytes')
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : Buffer.from(secret)
  if (bytes.length < 32) throw wrong(id, 'its secret has less than 32 bytes')
  const mac = (text: string) => createHmac('sha256', bytes).update(text).digest()
  return {
    algorithm: 'hmac-sha256',
    sign: (text) => mac(text).toString('base64url'),
    verify: (text, signature) => {
      const actual = Buffer.from(signature, 'base64url')
      const made = mac(text)
      return actual.length === made.length && timingSafeEqual(actual, made)
    },
  }
}

function pairOf({ id, privateKey, publicKey }: SigningKey): Means {
  const own = privateKey === undefined ? undefined : opened(id, privateKey, 'private')
  const open = own ? createPublicKey(own) : opened(id, publicKey, 'public')
  return {
    algorithm: 'ed25519',
    sign: own && ((text) => signWith(null, Buffer.from(text, 'utf8'), own).toString('base64url')),
    verify: (text, signature) => verifyWith(null, Buffer.from(text, 'utf8'), open, Buffer.from(signature, 'base64url')),
  }
}

function opened(id: string, key: string | KeyObject | undefined, half: 'private' | 'public'): KeyObject {
  let found: KeyObject | undefined
  try {
    found = typeof key === 'string' ? (half === 'private' ? createPrivateKey(key) : createPublicKey(key)) : key
  } catch {
    // The error of the parser may quote the key.
  }
  if (found?.type !== half || found.asymmetricKeyType !== 'ed25519')
    throw wrong(id, `its ${half}Key is not an Ed25519 key, as PEM or a KeyObject`)
  return found
}
