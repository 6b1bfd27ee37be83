/**
 * Encrypts the messages between processes: NOTIFY reaches every role that may log in to the server, and every role may
 * send one. Each process encrypts with its own key, derived from the secret of the key ring, with a counter as the
 * nonce. A message that was changed, made without the secret, sent twice or sent long ago is dropped; its receiver
 * finds the change by its next poll.
 */
import { hkdfSync } from 'node:crypto'
import { type Clock, lruCache } from '../../core/index.ts'
import { type Broadcast, maxBroadcastBytes } from '../../storage/index.ts'
import { decrypt, encrypt, keyBytes, newKey } from './encrypt.ts'

const senderBytes = 16
const nonceBytes = 12
/** The maximal age of a message in ms, including the difference between the clocks of two processes. */
const maxAgeMs = 60_000
/** The number of messages of one sender that may arrive out of order. */
const window = 1_024
const maxSenders = 1_000
const purpose = 'troupe broadcast'

interface Sender {
  readonly key: Uint8Array
  last: number
  readonly seen: Set<number>
}

/**
 * @param secret known to the processes of the key ring alone
 * @example const broadcast = encryptBroadcast(storage.broadcast, secret, clock)
 */
export function encryptBroadcast(broadcast: Broadcast, secret: Uint8Array, clock: Pick<Clock, 'now'>): Broadcast {
  const keyOf = (sender: Uint8Array) => new Uint8Array(hkdfSync('sha256', secret, sender, purpose, keyBytes))
  const own = newKey().subarray(0, senderBytes)
  const ownKey = keyOf(own)
  const senders = lruCache<Sender>(maxSenders)
  const listeners = new Set<(message: string) => void>()
  let stop: (() => void) | undefined
  let sent = 0
  return {
    send(message) {
      if (Buffer.byteLength(message) > maxBroadcastBytes) return
      const nonce = Buffer.alloc(nonceBytes)
      nonce.writeUIntBE(++sent, nonceBytes - 6, 6)
      const plain = Buffer.from(`${Math.floor(clock.now())} ${message}`)
      broadcast.send(Buffer.concat([own, encrypt(ownKey, purpose, plain, nonce)]).toString('base64url'))
    },
    listenAs: (owner) => broadcast.listenAs(owner),
    on(listener) {
      // A separate listener, since the same function may be passed twice.
      const entry = (message: string) => listener(message)
      listeners.add(entry)
      // Decrypted once for all listeners: to the second one it would be a message that was sent twice.
      stop ??= broadcast.on((text) => {
        const message = received(text)
        if (message !== undefined) for (const one of [...listeners]) one(message)
      })
      return () => {
        listeners.delete(entry)
        if (listeners.size > 0) return
        stop?.()
        stop = undefined
      }
    },
    line: () => broadcast.line(),
  }

  /** @returns undefined for a message that is dropped */
  function received(text: string): string | undefined {
    const bytes = Buffer.from(text, 'base64url')
    const name = bytes.toString('base64url', 0, senderBytes)
    const sender = senders.get(name) ?? { key: keyOf(bytes.subarray(0, senderBytes)), last: 0, seen: new Set() }
    const body = bytes.subarray(senderBytes)
    const plain = decrypt(sender.key, purpose, body)?.toString()
    if (plain === undefined) return undefined
    const space = plain.indexOf(' ')
    const count = body.readUIntBE(nonceBytes - 6, 6)
    if (Math.abs(clock.now() - Number(plain.slice(0, space))) > maxAgeMs || isRepeated(sender, count)) return undefined
    senders.set(name, sender)
    return plain.slice(space + 1)
  }
}

function isRepeated(sender: Sender, count: number): boolean {
  if (count <= sender.last - window || sender.seen.has(count)) return true
  sender.seen.add(count)
  sender.last = Math.max(sender.last, count)
  if (sender.seen.size > 2 * window)
    for (const one of sender.seen) if (one <= sender.last - window) sender.seen.delete(one)
  return false
}
