/** What processes tell each other, where others can listen and send. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import type { Broadcast } from '../../storage/index.ts'
import { encryptBroadcast } from './encrypt-broadcast.ts'

/** A channel that all hear, as NOTIFY has it. */
function channel() {
  const listeners: ((text: string) => void)[] = []
  const texts: string[] = []
  const broadcast: Broadcast = {
    listenAs: async () => {},
    send(text) {
      texts.push(text)
      for (const listener of listeners) listener(text)
    },
    on: (listener) => {
      listeners.push(listener)
      return () => {}
    },
    line: () => undefined,
  }
  return { broadcast, texts }
}

function twoProcesses() {
  const { broadcast, texts } = channel()
  const clock = createVirtualClock()
  const secret = randomBytes(32)
  const received: string[] = []
  encryptBroadcast(broadcast, secret, clock).on((message) => received.push(message))
  return { sender: encryptBroadcast(broadcast, secret, clock), broadcast, texts, received, clock }
}

describe('an encrypted broadcast', () => {
  it('An encrypted broadcast reaches processes with the secret, and is unreadable without it.', () => {
    const { sender, texts, received } = twoProcesses()
    const messages = Array.from({ length: 3_000 }, (_, i) => `CANARY ${i} Grüße 🦊`)
    for (const message of messages) sender.send(message)
    expect(received).toEqual(messages)
    for (const text of texts)
      expect(text + Buffer.from(text, 'base64url').toString('latin1')).not.toMatch(/CANARY|Q0FOQVJZ|43414e/)
    expect(new Set(texts).size).toBe(texts.length)
  })
  it('An encrypted broadcast delivers each message to all listeners of a process, until they end.', () => {
    const { broadcast } = channel()
    const clock = createVirtualClock()
    const secret = randomBytes(32)
    const receiver = encryptBroadcast(broadcast, secret, clock)
    const received: string[] = []
    const stop = receiver.on((message) => received.push(`first ${message}`))
    receiver.on((message) => received.push(`second ${message}`))
    const sender = encryptBroadcast(broadcast, secret, clock)
    sender.send('one')
    stop()
    sender.send('two')
    expect(received).toEqual(['first one', 'second one', 'second two'])
  })
  it('An encrypted broadcast drops a message that was changed, repeated, too old or made without the secret.', async () => {
    const { sender, broadcast, texts, received, clock } = twoProcesses()
    sender.send('one')
    const [first = ''] = texts
    broadcast.send(first)
    for (let index = 0; index < first.length; index++)
      broadcast.send(`${first.slice(0, index)}${first[index] === 'A' ? 'B' : 'A'}${first.slice(index + 1)}`)
    for (const text of ['', 'x', '["live","ada","r",{}]', first.slice(0, 40), randomBytes(60).toString('base64url')])
      broadcast.send(text)
    encryptBroadcast(broadcast, randomBytes(32), clock).send('of another key ring')
    expect(received).toEqual(['one'])
    const { broadcast: later, texts: late } = channel()
    const secret = randomBytes(32)
    encryptBroadcast(later, secret, clock).send('late')
    await clock.advance('61s')
    const arrived: string[] = []
    encryptBroadcast(later, secret, clock).on((message) => arrived.push(message))
    later.send(late[0] ?? '')
    expect(arrived).toEqual([])
  })
  it('An encrypted broadcast accepts messages that overtake each other.', () => {
    const { broadcast, texts } = channel()
    const clock = createVirtualClock()
    const secret = randomBytes(32)
    const sender = encryptBroadcast(broadcast, secret, clock)
    for (let i = 0; i < 50; i++) sender.send(String(i))
    const arrived: string[] = []
    const other = channel()
    encryptBroadcast(other.broadcast, secret, clock).on((message) => arrived.push(message))
    for (const text of texts.toReversed()) other.broadcast.send(text)
    expect(arrived).toHaveLength(50)
  })
  it('An encrypted broadcast does not send a message that is too long.', () => {
    const { sender, texts } = twoProcesses()
    sender.send('x'.repeat(3_501))
    sender.send('x'.repeat(3_500))
    expect(texts).toHaveLength(1)
    expect(texts[0]?.length).toBeLessThan(5_000)
  })
})
