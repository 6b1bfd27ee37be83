import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { defaultCorpus, defaultQuestion } from './default-corpus.ts'
import { SearchIndex } from './index.ts'
import { InputError } from './input-error.ts'

describe('defaultCorpus', () => {
  it('defaultCorpus gives documentation of installed packages that answers the default question from several of them.', async () => {
    const index = await SearchIndex.open(defaultCorpus())
    expect(index.documents.length).toBeGreaterThan(100)
    expect(index.skipped).toEqual([])
    expect(await index.search(defaultQuestion, { limit: 1 })).toHaveLength(1)
    for (const [question, page] of [
      ['cache responses of a language model', /ai\/docs\/.*caching/],
      ['circuit breaker and bulkhead policies', /cockatiel/],
      ['limit concurrency of a queue of promises', /p-queue/],
      ['stop a running generation with an abort signal', /ai\/docs\//],
    ] as const)
      expect((await index.search(question, { limit: 5 })).map((hit) => hit.document).join(' ')).toMatch(page)
  })

  it('defaultCorpus reports that nothing is installed.', () => {
    expect(() => defaultCorpus(tmpdir())).toThrow(InputError)
  })
})
