import { expect, it } from 'vitest'
import { failure } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
import { RecordQueue } from './record-queue.ts'

/** Stores the texts of the changes that it does not reject. */
function open(rejects: (texts: readonly string[]) => Error | undefined) {
  const stored: string[] = []
  const lost: string[] = []
  let commits = 0
  const commit: Storage['commit'] = async ({ statements }) => {
    commits++
    const texts = statements.map(({ sql }) => sql)
    const problem = rejects(texts)
    if (problem) throw problem
    stored.push(...texts)
    return { ok: true, affected: [], rows: [], at: 0 } as never
  }
  const queue = new RecordQueue({ commit })
  const add = (text: string) => queue.add('ada', [{ sql: text, binds: [] }], () => lost.push(text))
  return { queue, add, stored, lost, commits: () => commits }
}

it('The audit queue loses only the record whose text the storage rejects.', async () => {
  const wrong = failure('validation.failed', { what: 'A value to be stored', problem: 'a text holds NUL' })
  const { queue, add, stored, lost } = open((texts) => (texts.includes('bad') ? wrong : undefined))
  for (const text of ['a', 'bad', 'b']) add(text)
  await queue.flush()
  expect([stored, lost]).toEqual([['a', 'b'], ['bad']])
})
it('The audit queue makes one attempt for the records of a change if the storage fails.', async () => {
  const { queue, add, stored, lost, commits } = open(() => failure('storage.busy', { limit: 1 }))
  for (const text of ['a', 'b']) add(text)
  await queue.flush()
  expect([stored, lost, commits()]).toEqual([[], ['a', 'b'], 1])
})
