import { expect, it } from 'vitest'
import type { AnswerOf, Client, ItemOf } from './client.ts'

/** Compiled and never called: each line that is expected to fail fails the type check when it compiles. */
export async function mistakes(client: Client): Promise<void> {
  const { items } = await client.call('runs.list', { query: { status: 'waiting' } })
  items.map(({ title }) => title)
  // @ts-expect-error a field that the answer does not have
  items.map(({ heading }) => heading)
  // @ts-expect-error an operation that there is not
  await client.call('runs.lists')
  // @ts-expect-error a parameter that the query does not have
  await client.call('runs.list', { query: { state: 'waiting' } })
  // @ts-expect-error a value that the parameter does not take
  await client.call('runs.list', { query: { status: 'over' } })
  // @ts-expect-error a path that is missing
  await client.call('runs.get')
  // @ts-expect-error a body whose field is missing
  await client.call('context.subscribe', { body: {} })
  // @ts-expect-error an operation that answers with a stream
  await client.call('runs.events', { path: { run: 'r' } })
  // @ts-expect-error an operation without pages
  client.pages('runs.get')
  for await (const { data } of client.stream('runs.events', { path: { run: 'r' } })) {
    data.type.trim()
    // @ts-expect-error a field that no event has
    data.kinds.trim()
  }
}

const shown = ({ status }: AnswerOf<'runs.get'>, { key }: ItemOf<'context.list'>): string => `${status} ${key}`

it('A program can name the answers and the items of operations.', () => {
  const entry = { key: 'k' } as ItemOf<'context.list'>
  expect(shown({ run: 'r', status: 'running' }, entry)).toBe('running k')
})
