import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEvents, type Json } from '../../core/index.ts'
import { createBlobs, type Fragment } from '../../storage/index.ts'
import type { Upcaster } from '../journal-port.ts'
import { createJournalTestbed, type JournalTestbed, user } from '../journal-testbed.test.fixture.ts'
import { createJournals } from './create-journals.ts'
import type { JournalWriter } from './journal-writer.ts'

describe.each([false, true])('sealed: %s', (encrypted) => {
  let testbed: JournalTestbed
  beforeEach(async () => {
    testbed = await createJournalTestbed('memory:', 'world', encrypted)
  })
  afterEach(() => testbed.close())

  const journalsOf = (owner: string, more: Partial<Parameters<typeof createJournals>[0]> = {}) =>
    createJournals({ storage: testbed.storage, clock: testbed.clock, owner, ...more })
  const commit = (...fragments: Fragment[]) =>
    testbed.storage.commit({
      id: null,
      scope: { user },
      statements: fragments.flatMap((fragment) => fragment.statements),
    })
  const bodies = async (journals = journalsOf('reader')) =>
    (await journals.load(user, 'run:1'))?.records.map((record) => record.body)

  async function begin(journals = journalsOf('one'), first: Json[] = ['first'], at = 1): Promise<JournalWriter> {
    const { writer, fragment } = journals.create(user, 'run:1', 'run', at, first)
    expect(await commit(fragment)).toMatchObject({ ok: true })
    return writer
  }

  describe('a journal', () => {
    it('A journal returns its records in order, with the time of the writer.', async () => {
      const writer = await begin()
      await commit(writer.append(2, [{ a: 1 }, 'b']))
      await commit(writer.append(3, ['c']))
      const content = await journalsOf('reader').load(user, 'run:1')
      expect(content).toMatchObject({ epoch: 1, head: 4, owner: 'one', closed: false })
      expect(content?.records).toEqual([
        { seq: 1, at: 1, body: 'first' },
        { seq: 2, at: 2, body: { a: 1 } },
        { seq: 3, at: 2, body: 'b' },
        { seq: 4, at: 3, body: 'c' },
      ])
      expect(await journalsOf('reader').read(user, 'run:1', 2, 1)).toEqual([{ seq: 3, at: 2, body: 'b' }])
    })

    it('A journal is created only once.', async () => {
      await begin()
      const second = journalsOf('two').create(user, 'run:1', 'run', 1, ['other'])
      expect(await commit(second.fragment)).toMatchObject({ ok: false, code: 'journal.lost' })
      expect(await bodies()).toEqual(['first'])
    })

    it('A journal of another user with the same id is another journal.', async () => {
      await begin()
      expect(await journalsOf('reader').load('eve', 'run:1')).toBeUndefined()
      expect(await journalsOf('reader').read('eve', 'run:1', 0, 10)).toEqual([])
    })

    it('A journal rejects a writer after a takeover, also after a snapshot.', async () => {
      const journals = journalsOf('one')
      const frozen = await begin(journals)
      const stale = frozen.append(2, ['stale'])
      frozen.rewind({ head: 1, bytes: 7, snapshotAt: 0 })
      const { writer } = await journalsOf('two').takeOver(user, 'run:1', 2)
      await testbed.clock.advance('1s')
      await commit(writer.append(3, ['theirs']), writer.writeSnapshot({ folded: true }))
      expect(await commit(stale)).toMatchObject({ ok: false, code: 'journal.lost' })
      expect(await commit(frozen.append(4, ['again']))).toMatchObject({ ok: false, code: 'journal.lost' })
      expect(await commit(frozen.prove())).toMatchObject({ ok: false, code: 'journal.lost' })
    })

    it('A journal is taken over by one of two concurrent processes, and the takeover adds no record.', async () => {
      await begin()
      const attempts = await Promise.allSettled([
        journalsOf('two').takeOver(user, 'run:1', 5),
        journalsOf('three').takeOver(user, 'run:1', 5),
      ])
      expect(attempts.map((each) => each.status).toSorted()).toEqual(['fulfilled', 'rejected'])
      const winner = attempts.find((each) => each.status === 'fulfilled')
      expect(winner?.value.content).toMatchObject({ epoch: 2, head: 2, records: [{ seq: 1 }] })
      expect(await commit(winner?.value.writer.append(6, ['next']) as Fragment)).toMatchObject({ ok: true })
      expect(await bodies()).toEqual(['first', 'next'])
    })

    it('A journal that does not exist cannot be taken over.', async () => {
      await expect(journalsOf('one').takeOver(user, 'run:9', 1)).rejects.toMatchObject({
        name: 'NotFoundError',
        code: 'journal.unknown',
      })
    })

    it('A journal that is closed rejects further records.', async () => {
      const journals = journalsOf('one')
      const writer = await begin(journals)
      await commit(writer.append(2, ['end']), journals.close(user, 'run:1'))
      expect(await commit(writer.append(3, ['late']))).toMatchObject({ ok: false, code: 'journal.lost' })
      await expect(journals.takeOver(user, 'run:1', 4)).rejects.toMatchObject({ code: 'journal.lost' })
      expect((await journals.load(user, 'run:1'))?.closed).toBe(true)
    })

    it('A journal proves the ownership of its writer without a record.', async () => {
      const writer = await begin()
      expect(await commit(writer.prove())).toMatchObject({ ok: true })
      expect(await commit(writer.append(2, ['next']))).toMatchObject({ ok: true })
      expect(await bodies()).toEqual(['first', 'next'])
    })

    it('A journal whose change failed continues after a rewind.', async () => {
      const writer = await begin()
      const mark = writer.mark()
      const failing: Fragment = {
        statements: [{ sql: 'delete from journals where user_id = ?', binds: ['x'], expect: { rows: 1 } }],
      }
      expect(await commit(writer.append(2, ['lost']), failing)).toMatchObject({ ok: false })
      writer.rewind(mark)
      expect(await commit(writer.append(2, ['kept']))).toMatchObject({ ok: true })
      expect(await bodies()).toEqual(['first', 'kept'])
    })
  })

  describe('a fence', () => {
    it('A fenced journal accepts only results from its writer, until a takeover.', async () => {
      const journals = journalsOf('one')
      const writer = await begin(journals)
      await commit(journals.fence(user, ['run:1']))
      const mark = writer.mark()
      expect(await commit(writer.append(2, ['turn']))).toMatchObject({ ok: false, code: 'journal.lost' })
      writer.rewind(mark)
      expect(await commit(writer.appendFenced(2, ['result']))).toMatchObject({ ok: true })
      await commit(journals.fence(user, ['run:1']))
      expect(await commit(writer.appendFenced(3, ['second result']))).toMatchObject({ ok: true })
      await journalsOf('two').takeOver(user, 'run:1', 4)
      expect(await commit(writer.appendFenced(5, ['too late']))).toMatchObject({ ok: false, code: 'journal.lost' })
      expect(await bodies()).toEqual(['first', 'result', 'second result'])
    })

    it('A fence on a journal prevents its later creation by the old owner.', async () => {
      const journals = journalsOf('one')
      await commit(journals.fence(user, ['step:1', 'step:2']))
      const late = journals.create(user, 'step:1', 'step', 1, ['late'])
      expect(await commit(late.fragment)).toMatchObject({ ok: false, code: 'journal.lost' })
      expect(await journals.load(user, 'step:2')).toMatchObject({ closed: true, records: [] })
    })
  })

  describe('a snapshot', () => {
    it('A snapshot bounds the records that are read after it, and retains older records for replays.', async () => {
      const journals = journalsOf('one', { limits: { snapshotEvery: 10 } })
      const writer = await begin(journals, [0])
      for (let i = 1; i < 35; i++) {
        const appended = writer.append(testbed.clock.now(), [i])
        await commit(appended, ...(writer.snapshotDue() ? [writer.writeSnapshot({ upTo: i })] : []))
        await testbed.clock.advance('10ms')
      }
      const content = await journals.load(user, 'run:1')
      expect(content?.snapshot?.state).toEqual({ upTo: 29 })
      expect(content?.records.map((record) => record.body)).toEqual([30, 31, 32, 33, 34])
      expect(await journals.read(user, 'run:1', 0, 100)).toHaveLength(35)
      await commit(writer.append(testbed.clock.now(), [35]), writer.writeSnapshot({ upTo: 35 }))
      const { content: reloaded, writer: next } = await journals.takeOver(user, 'run:1', 1)
      expect(reloaded.snapshot?.state).toEqual({ upTo: 35 })
      expect(next.snapshotDue()).toBe(false)
    })
  })

  describe('limits', () => {
    it('The limits of a journal warn once, then reject, and leave room for the end.', async () => {
      const events = createEvents(() => {})
      const seen: unknown[] = []
      events.on('journal.large', (event) => seen.push([event.type, event.journal, event.records]))
      const writer = await begin(journalsOf('one', { limits: { warnRecords: 3, maxRecords: 5 }, events }))
      for (let i = 0; i < 4; i++) await commit(writer.append(i, [i]))
      expect(() => writer.append(9, ['more'])).toThrowError(
        expect.objectContaining({ name: 'CapacityError', code: 'journal.full' }),
      )
      expect(writer.head).toBe(5)
      expect(await commit(writer.append(9, ['end'], { last: true }))).toMatchObject({ ok: true })
      expect(seen).toEqual([['journal.large', 'run:1', 3]])
    })

    it('The limits of a journal reject too many bytes, counted across takeovers.', async () => {
      const limits = { maxBytes: 1_000 }
      const writer = await begin(journalsOf('one', { limits }))
      await commit(writer.append(1, ['x'.repeat(900)]))
      const { writer: next } = await journalsOf('two', { limits }).takeOver(user, 'run:1', 1)
      expect(() => next.append(1, ['y'.repeat(200)])).toThrowError(expect.objectContaining({ code: 'journal.full' }))
    })
  })

  describe('bodies', () => {
    const upcaster: Upcaster = {
      version: 2,
      upcast: (body, from) => ({ from, name: (body as { first: string }).first }),
    }

    it('A record of an older form is upcast to the current form, snapshots too.', async () => {
      const old = await begin(journalsOf('old'), [{ first: 'Ada' }])
      await commit(old.append(2, [{ first: 'Eve' }]), old.writeSnapshot({ first: 'folded' }))
      await commit(old.append(3, [{ first: 'Bob' }]))
      const journals = journalsOf('new', { upcasters: { run: upcaster } })
      expect(await bodies(journals)).toEqual([{ from: 1, name: 'Bob' }])
      expect((await journals.load(user, 'run:1'))?.snapshot?.state).toEqual({ from: 1, name: 'folded' })
      const { writer } = await journals.takeOver(user, 'run:1', 4)
      await commit(writer.append(5, [{ name: 'new' }]))
      expect(await bodies(journals)).toEqual([{ from: 1, name: 'Bob' }, { name: 'new' }])
    })

    it('A record of a newer form is rejected.', async () => {
      await begin(journalsOf('new', { upcasters: { run: upcaster } }))
      await expect(journalsOf('old').load(user, 'run:1')).rejects.toMatchObject({ code: 'journal.newer' })
    })

    it('A large record is stored once as a value, and is removed with the journal.', async () => {
      const blobs = await createBlobs(testbed.storage)
      const journals = journalsOf('one', { blobs, retention: { closedMs: 1_000 } })
      const large = 'x'.repeat(300_000)
      const writer = await begin(journals, [large], testbed.clock.now())
      await commit(writer.append(testbed.clock.now(), [large, 'small']), writer.writeSnapshot({ large }))
      const lengths = (await journals.read(user, 'run:1', 0, 10)).map((record) => (record.body as string).length)
      expect(lengths).toEqual([large.length, large.length, 5])
      expect((await journals.load(user, 'run:1'))?.snapshot?.state).toHaveProperty('large.length', large.length)
      await commit(journals.close(user, 'run:1'))
      await testbed.clock.advance('2s')
      expect(await journals.cleanup(10)).toBe(1)
      expect(await journals.load(user, 'run:1')).toBeUndefined()
      expect(await journals.cleanup(10)).toBe(0)
    })
  })
})
