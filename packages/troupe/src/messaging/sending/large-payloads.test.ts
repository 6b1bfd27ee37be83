import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bytesSchema } from '../bytes-schema.ts'
import { defineMessage } from '../message-type.ts'
import type { MessagingTestbed } from '../messaging-testbed.test.fixture.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'
import { Worker } from '../workers/worker.ts'

const Note = defineMessage<string>('note')
const Scan = defineMessage(
  'scan',
  z.object({ page: z.int(), image: bytesSchema(), parts: z.array(bytesSchema()).optional() }),
)
const large = (letter: string) => letter.repeat(300 * 1024)
/** Enough to tell them apart where a test fails. */
const brief = (payloads: readonly unknown[]) =>
  payloads.map((payload) => `${String(payload)[0]} ${String(payload).length}`)

const { testbed } = messagingTestbeds()
const blobsIn = async ({ storage }: MessagingTestbed) => {
  const sql =
    'select (select count(*) from storage_blobs) as blobs, (select count(*) from storage_blob_owners) as owners'
  const [rows = []] = await storage.read({ user: 'ada' }, [{ sql, binds: [], returns: true }])
  return [Number(rows[0]?.blobs), Number(rows[0]?.owners)]
}

it('A message is stored in little more than its text, and bytes in four thirds of their size.', async () => {
  const { agent, storage } = await testbed()
  const image = new Uint8Array(30_000).fill(200)
  await agent('A').messages.send(Note, 'x'.repeat(30_000), { to: 'B' })
  await agent('A').messages.send(Scan, { page: 1, image }, { to: 'C' })
  const sql = 'select mailbox, length(payload) + length(envelope) as stored, bytes from messages order by mailbox'
  const [rows = []] = await storage.read({ user: 'ada' }, [{ sql, binds: [], returns: true }])
  const [text, binary] = rows.map(({ stored }) => Number(stored))
  expect(text).toBeLessThan(30_000 + 500)
  expect(binary).toBeLessThan(40_000 + 500)
  expect(rows.map(({ bytes: counted }) => Number(counted) >= 30_000)).toEqual([true, true])
})

describe('a payload over 256 KB', () => {
  it('A payload over 256 KB is stored once for all its recipients, and is complete wherever it is read.', async () => {
    const made = await testbed()
    const { agent } = made
    await agent('A').messages.broadcast(Note, large('x'), { to: ['B', 'C', 'D'] })
    expect(await blobsIn(made)).toEqual([1, 3])
    const sent = await agent('A').messages.send(Note, large('y'), { to: 'B' })
    expect(brief([sent.payload])).toEqual(brief([large('y')]))
    const listed = (await agent('B').mailbox.messages()).items.map(({ payload }) => payload)
    expect(brief(listed)).toEqual(brief([large('x'), large('y')]))
    const [delivery] = await agent('C').mailbox.receive()
    expect(brief([delivery?.message.payload])).toEqual(brief([large('x')]))
    for (let attempt = 1; attempt <= 5; attempt++) await (await agent('D').mailbox.receive())[0]?.nack()
    const [dead] = (await agent('D').mailbox.deadLetters()).items
    expect(brief([dead?.message.payload])).toEqual(brief([large('x')]))
  })
  it('A payload over 256 KB counts as a whole against its mailbox, and is rejected above that limit and above 8 MB.', async () => {
    const { agent } = await testbed({ config: { capacity: { bytes: 700 * 1024 } } })
    const { messages } = agent('A')
    for (const letter of ['x', 'y']) await messages.send(Note, large(letter), { to: 'B' })
    await expect(messages.send(Note, large('z'), { to: 'B' })).rejects.toMatchObject({ code: 'mailbox.full' })
    const unlimited = await testbed()
    const send = unlimited.agent('A').messages.send(Note, 'x'.repeat(8 * 1024 * 1024), { to: 'B' })
    await expect(send).rejects.toMatchObject({ code: 'message.too_large' })
    const list = unlimited.agent('A').messages.send(Note, Array(5_000_000).fill(1) as never, { to: 'B' })
    await expect(list).rejects.toThrow('The message note has more than 8388608 bytes; 8388608 are allowed.')
  })
  it('A payload over 256 KB is deleted with its message, except for some acknowledged messages that are still shown.', async () => {
    const made = await testbed()
    const { messages } = made.agent('A')
    for (let n = 0; n < 30; n++) await messages.send(Note, large(String.fromCharCode(65 + n)), { to: 'B' })
    await made.agent('B').drain()
    await until(made.clock, async () => (await blobsIn(made))[0] === 20)
    expect((await made.agent('B').mailbox.messages()).items).toHaveLength(20)
  })
  it('A payload over 256 KB that repeats a dedupe id leaves nothing behind.', async () => {
    const made = await testbed()
    const { agent } = made
    const first = await agent('A').messages.send(Note, large('x'), { to: 'B', dedupeId: 'once' })
    const repeat = await agent('A').messages.send(Note, large('y'), { to: 'B', dedupeId: 'once' })
    expect(repeat).toMatchObject({ id: first.id, duplicate: true })
    expect(brief([repeat.payload])).toEqual(brief([large('x')]))
    await made.step('A', 'step:1', async (staged) => {
      await staged.send(Note, large('z'), { to: 'B', dedupeId: 'once' })
      return null
    })
    expect(brief(await agent('B').drain())).toEqual(brief([large('x')]))
    await until(made.clock, async () => (await blobsIn(made))[0] === 1)
  })
  it('A payload over 256 KB is sent from a turn, and waits in the outbox unchanged.', async () => {
    const made = await testbed({ config: { capacity: { count: 1 }, backpressure: 'wait' } })
    await made.step('A', 'step:1', async (messages) => {
      for (const letter of ['x', 'y']) await messages.send(Note, large(letter), { to: 'B' })
      return null
    })
    const received: unknown[] = []
    // The second comes in when the first has gone.
    await until(made.clock, async () => received.push(...(await made.agent('B').drain())) === 2)
    expect(brief(received)).toEqual(brief([large('x'), large('y')]))
  })
  it('Payloads of any size that are sent together arrive in the order of the calls.', async () => {
    const { agent } = await testbed()
    const { messages } = agent('A')
    const payloads = [large('x'), 'short', large('y'), 'shorter']
    await Promise.all(payloads.map((payload) => messages.send(Note, payload, { to: 'B' })))
    expect(brief(await agent('B').drain())).toEqual(brief(payloads))
  })
  it('A reply over 8 MB is rejected, and a smaller one is delivered.', async () => {
    const { agent } = await testbed()
    const asked = agent('A').messages.request(Note, 'how much?', { to: 'B', timeout: '1s' })
    asked.catch(() => {})
    const [delivery] = await agent('B').mailbox.receive({ wait: '1s' })
    await expect(delivery?.reply('x'.repeat(9 * 1024 * 1024))).rejects.toMatchObject({ code: 'message.too_large' })
    await delivery?.reply(large('x'))
    expect(brief([await asked])).toEqual(brief([large('x')]))
  })
})

describe('a payload of bytes', () => {
  const image = Uint8Array.from([0, 1, 127, 128, 255])

  it('Bytes are restored where the schema declares them, as a copy for each recipient.', async () => {
    const made = await testbed()
    const { agent, start, clock } = made
    const sent = await agent('A').messages.send(Scan, { page: 1, image, parts: [image, Buffer.from('ü')] }, { to: 'B' })
    expect(sent.payload).toEqual({ page: 1, image, parts: [image, Uint8Array.from([0xc3, 0xbc])] })
    const [listed] = (await agent('B').mailbox.messages({ type: Scan })).items
    expect(listed?.payload).toEqual(sent.payload)
    const seen: unknown[] = []
    const worker = new Worker('B')
    worker.on(Scan, ({ payload }) => {
      payload.image[0] = 9
      seen.push(payload)
      throw new Error('again')
    })
    await start(worker)
    await until(clock, () => seen.length === 2)
    expect(Object.isFrozen(seen[0])).toBe(true)
    expect(listed?.payload).toEqual(sent.payload)
  })
  it('Bytes are sent from a turn and as a whole payload, and are bounded by the schema.', async () => {
    const Raw = defineMessage('raw', bytesSchema({ max: 5 }))
    const made = await testbed()
    await made.step('A', 'step:1', async (messages) => {
      expect((await messages.send(Raw, image, { to: 'B' })).payload).toEqual(image)
      return null
    })
    const [delivery] = await made.agent('B').mailbox.receive({ types: [Raw] })
    expect(delivery?.message.payload).toEqual(image)
    const { messages } = made.agent('A')
    await expect(messages.send(Raw, new Uint8Array(6), { to: 'B' })).rejects.toThrow(/at most 5 bytes/)
    await expect(messages.send(Raw, 'text' as never, { to: 'B' })).rejects.toThrow(/Uint8Array/)
  })
  it('Bytes without a schema are rejected, and a text is never decoded as bytes.', async () => {
    const { agent } = await testbed()
    await expect(agent('A').messages.send(Note, image as never, { to: 'B' })).rejects.toMatchObject({
      code: 'json.unsupported',
    })
    const Texts = defineMessage('texts', z.object({ image: z.string() }))
    await agent('A').messages.send(Texts, { image: 'AAF/gP8=' }, { to: 'B', metadata: { bytesAt: [['image']] } })
    expect(await agent('B').drain()).toEqual([{ image: 'AAF/gP8=' }])
  })
})
