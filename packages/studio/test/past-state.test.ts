/** The context and the mailboxes of a run at one of its events, made from what its journals record. */
import { describe, expect, test } from 'vitest'
import { pastEntries } from '../src/past-entries.ts'
import { pastMailboxes } from '../src/past-mailboxes.ts'

/** The time of a second, as ISO 8601 text. */
const second = (at: number) => new Date(at * 1_000).toISOString()
const read = (step: string, key: string, version: number, at: number, value?: unknown) => ({
  step,
  agent: `Agent ${step}`,
  key,
  version,
  at: second(at),
  ...(value === undefined ? {} : { value }),
})
const push = (step: string, key: string, version: number, at: number, value: unknown = version) => ({
  ...read(step, key, version, at, value),
  kind: 'push' as const,
})
const remove = (step: string, key: string, at: number) => ({
  step,
  agent: `Agent ${step}`,
  key,
  kind: 'delete' as const,
  at: second(at),
})
const by = (step: string) => ({ agent: `Agent ${step}`, step })

interface Recorded {
  readonly reads?: readonly ReturnType<typeof read>[]
  readonly writes?: readonly (ReturnType<typeof push> | ReturnType<typeof remove>)[]
  readonly since?: number
  /** The second at which each step started, 0 by default. */
  readonly starts?: Readonly<Record<string, number>>
}
const entriesOf = ({ reads = [], writes = [], since = 0, starts = {} }: Recorded) =>
  pastEntries({ reads, writes }, { since: second(since), startOf: (step) => second(starts[step] ?? 0) })

describe('The context at an event', () => {
  test('The context shows the newest value of each key, its version and the step that has written it.', () => {
    const writes = [push('1', 'b', 1, 1, 'old'), push('2', 'a', 1, 2, 'only'), push('3', 'b', 2, 3, 'new')]
    expect(entriesOf({ writes, since: 2 })).toEqual([
      { key: 'a', status: 'stored', value: 'only', version: 1, writer: by('2') },
      { key: 'b', status: 'stored', value: 'new', version: 2, writer: by('3'), change: 'written' },
    ])
  })

  test('The context marks a key that a step has deleted, and shows it again once it is written again.', () => {
    const writes = [push('1', 'a', 1, 1), remove('2', 'a', 2)]
    expect(entriesOf({ writes, since: 1 })).toEqual([
      { key: 'a', status: 'deleted', writer: by('2'), change: 'deleted' },
    ])
    expect(entriesOf({ writes: [...writes, push('3', 'a', 2, 3)], since: 3 })).toEqual([
      { key: 'a', status: 'stored', value: 2, version: 2, writer: by('3') },
    ])
  })

  test('The context shows a key that the run has only read, also one that was not there.', () => {
    expect(entriesOf({ reads: [read('1', 'a', 4, 1, 'theirs'), read('1', 'b', 0, 1)] })).toEqual([
      { key: 'a', status: 'stored', value: 'theirs', version: 4, reader: by('1'), change: 'read' },
      { key: 'b', status: 'missing', reader: by('1'), change: 'read' },
    ])
  })

  test('The context takes reads before the writes of one record, and keeps the reader of a written key.', () => {
    expect(entriesOf({ reads: [read('1', 'a', 0, 1)], writes: [push('1', 'a', 1, 1)] })).toEqual([
      { key: 'a', status: 'stored', value: 1, version: 1, writer: by('1'), reader: by('1'), change: 'written' },
    ])
  })

  test('The context shows what another program has written if a step has read that version, and names no writer.', () => {
    const writes = [push('1', 'a', 1, 1)]
    expect(entriesOf({ writes, reads: [read('2', 'a', 5, 2, 'theirs')], since: 3 })).toEqual([
      { key: 'a', status: 'stored', value: 'theirs', version: 5, reader: by('2') },
    ])
    const removed = [push('1', 'a', 1, 1), remove('1', 'a', 2)]
    expect(entriesOf({ writes: removed, reads: [read('2', 'a', 6, 3, 'back')], since: 3 })).toMatchObject([
      { status: 'stored', value: 'back', version: 6 },
    ])
  })

  test('The context is not changed by a read that is older than what is known.', () => {
    const reads = [read('2', 'a', 1, 3, 'first'), read('3', 'b', 0, 3)]
    const writes = [push('1', 'a', 2, 2, 'second'), push('1', 'b', 1, 2, 'there')]
    expect(entriesOf({ reads, writes, since: 3 })).toMatchObject([
      { key: 'a', value: 'second', version: 2, writer: by('1'), reader: by('2') },
      { key: 'b', status: 'stored', value: 'there' },
    ])
    // A step that started after the write has read that another program deleted the entry.
    expect(entriesOf({ reads, writes, since: 3, starts: { 3: 2.5 } })[1]).toMatchObject({ status: 'missing' })
  })

  test('The context completes a version whose value the first record does not have.', () => {
    const reads = [read('1', 'a', 1, 1), read('2', 'a', 1, 2, 'known')]
    expect(entriesOf({ reads: reads.slice(0, 1) })).toMatchObject([{ status: 'stored', version: 1 }])
    expect(entriesOf({ reads })).toMatchObject([{ status: 'stored', version: 1, value: 'known' }])
  })
})

describe('The mailboxes at an event', () => {
  const message = { type: 'note', from: 'Lead', to: 'Clerk', step: '1#1' }
  const request = { type: 'ask', from: 'Lead', to: 'Knows', step: '1#2', payload: 'who?', at: second(1) }
  const stateOf = (state?: 'working' | 'done' | 'failed') =>
    pastMailboxes({ sent: [], received: [request] }, new Map(state ? [['1#2', { state }]] : []), second(0))[0]
      ?.messages[0]?.status

  test('A mailbox lists the messages that wait before those that were handled.', () => {
    const sent = [
      { ...message, id: 'a', at: second(1), state: 'handled' as const },
      { ...message, id: 'b', at: second(2), state: 'waiting' as const },
      { ...message, id: 'c', at: second(3) },
      { ...message, to: 'Archive', id: 'd', at: second(3), state: 'dead-lettered' as const },
    ]
    const mailboxes = pastMailboxes({ sent, received: [] }, new Map(), second(2))
    expect(mailboxes.map(({ name }) => name)).toEqual(['Archive', 'Clerk'])
    expect(mailboxes[1]?.messages.map(({ id, status, isNew }) => [id, status, isNew])).toEqual([
      ['b', 'waiting', false],
      ['a', 'handled', false],
      ['c', 'unknown', true],
    ])
  })

  test('A request within the run waits until its step starts, and is handled when that step has ended.', () => {
    expect([undefined, 'working', 'done', 'failed'].map((state) => stateOf(state as 'working'))).toEqual([
      'waiting',
      'in progress',
      'handled',
      'failed',
    ])
  })
})
