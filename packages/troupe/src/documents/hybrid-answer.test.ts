import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DocumentIndex } from './document-index.ts'
import type { DocumentEmbeddings } from './vector-index.ts'
import { verifyCitation } from './verify-citation.ts'

/** Words of one line mean the same; other words mean something by themselves. */
const synonyms = ['samovar urn', 'polished burnished', 'cost price fee', 'dog hound canine']
const dimensions = 64

/** A vector of counts: each group of synonyms has a dimension, each other word one by its hash. */
function vectorOf(text: string): number[] {
  const vector = new Array<number>(dimensions).fill(0)
  for (const word of text.toLowerCase().match(/\p{L}{3,}/gu) ?? []) {
    const group = synonyms.findIndex((line) => line.split(' ').includes(word))
    let hash = 7
    for (const letter of word) hash = (hash * 31 + letter.charCodeAt(0)) % 104_729
    const at = group >= 0 ? group : synonyms.length + (hash % (dimensions - synonyms.length))
    vector[at] = (vector[at] ?? 0) + (group >= 0 ? 4 : 1)
  }
  return vector
}

function synonymModel(model = 'test/synonyms') {
  const batches: string[][] = []
  const embeddings: DocumentEmbeddings = {
    model,
    embed: async (texts) => {
      batches.push([...texts])
      return texts.map(vectorOf)
    },
  }
  return { embeddings, batches, texts: () => batches.flat() }
}

let root: string
let store: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hybrid-'))
  store = join(root, 'data/documents.index')
  write('urns.md', '# Workshop\n\nThe urn was burnished on Tuesday.\n\nBread is baked before dawn.\n')
  write('pets.md', '# Rules of the inn\n\nEvery hound sleeps outside.\n\nGuests leave at noon.\n')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const write = (path: string, text: string) => {
  mkdirSync(join(root, 'docs'), { recursive: true })
  writeFileSync(join(root, 'docs', path), text)
}
const open = (embeddings?: DocumentEmbeddings, more: object = {}) =>
  DocumentIndex.open(
    { folders: [join(root, 'docs')] },
    { base: root, store, ...more, ...(embeddings ? { embedding: embeddings } : {}) },
  )

const question = 'When was my samovar polished?'

it('An index with an embedding model answers a question that shares no word with its passage.', async () => {
  const byWords = await (await open()).answer(question)
  expect(byWords).toEqual({ found: false, citations: [] })
  const index = await open(synonymModel().embeddings)
  const { found, citations, embedding } = await index.answer(question)
  expect([found, embedding]).toEqual([true, { model: 'test/synonyms' }])
  expect(citations[0]).toMatchObject({ file: 'docs/urns.md', line: 3, quote: 'The urn was burnished on Tuesday.' })
  for (const citation of citations) expect(await verifyCitation(index, citation)).toMatchObject({ ok: true })
})

it('An index with an embedding model finds nothing where neither words nor similarity suffice.', async () => {
  const index = await open(synonymModel().embeddings)
  expect((await index.answer('Which zeppelin licence is valid in Vienna?')).found).toBe(false)
  const strict = await open(synonymModel().embeddings, { minSimilarity: 1 })
  expect((await strict.answer(question)).found).toBe(false)
  const byWords = await strict.answer('Who leaves at noon?')
  expect([byWords.found, byWords.citations[0]?.quote]).toEqual([true, 'Guests leave at noon.'])
})

it('A stored index embeds each unit once, and after a change the units of the changed file.', async () => {
  const first = synonymModel()
  await open(first.embeddings)
  expect(first.texts()).toHaveLength(4)
  expect(first.texts()).toContain('Workshop\nThe urn was burnished on Tuesday.')
  const second = synonymModel()
  const index = await open(second.embeddings)
  expect(second.texts()).toEqual([])
  expect((await index.answer(question)).citations[0]?.file).toBe('docs/urns.md')
  expect(second.texts()).toEqual([question])
  write('pets.md', '# Rules of the inn\n\nEvery hound sleeps inside.\n')
  const third = synonymModel()
  await open(third.embeddings)
  expect(third.texts()).toEqual(['Rules of the inn\nEvery hound sleeps inside.'])
})

it('An index that is opened without an embedding model keeps the vectors that are stored.', async () => {
  await open(synonymModel().embeddings)
  write('news.md', 'Nothing new.\n')
  await open()
  const later = synonymModel()
  await open(later.embeddings)
  expect(later.texts()).toEqual(['Nothing new.'])
})

it('DocumentIndex computes vectors again for an embedding model of another name.', async () => {
  await open(synonymModel().embeddings)
  const other = synonymModel('test/others')
  const index = await open(other.embeddings)
  expect(other.texts()).toHaveLength(4)
  expect((await index.answer(question)).embedding).toEqual({ model: 'test/others' })
  const reopened = synonymModel('test/others')
  await open(reopened.embeddings)
  expect(reopened.texts()).toEqual([])
})

it('Texts are embedded in batches of 100 at most, and what was made before a failure is not made again.', async () => {
  write('long.md', Array.from({ length: 250 }, (_, i) => `Sentence number ${i} stands in a paragraph.`).join('\n\n'))
  const first = synonymModel()
  const embed: DocumentEmbeddings['embed'] = async (texts, options) => {
    if (first.batches.length === 2) throw new Error('the quota is used up')
    return await first.embeddings.embed(texts, options)
  }
  write('a.md', 'A first sentence stands alone.\n')
  await open({ model: 'test/synonyms', embed })
  const second = synonymModel()
  await open(second.embeddings)
  expect([...first.batches, ...second.batches].every(({ length }) => length <= 100)).toBe(true)
  expect(first.texts()[0]).toBe('A first sentence stands alone.')
  expect(second.texts()).not.toContain('A first sentence stands alone.')
  expect(second.texts()).toContain('Sentence number 249 stands in a paragraph.')
  const third = synonymModel()
  await open(third.embeddings)
  expect(third.texts()).toEqual([])
})

it('An index whose embedding model fails answers by words alone, says so, and asks the model again.', async () => {
  const model = synonymModel()
  let isDown = true
  const flaky: DocumentEmbeddings = {
    model: model.embeddings.model,
    embed: async (texts, options) => {
      if (isDown) throw new Error('the service is down')
      return await model.embeddings.embed(texts, options)
    },
  }
  const index = await open(flaky)
  const { found, citations, embedding } = await index.answer('Who leaves at noon?')
  expect([found, citations[0]?.quote]).toEqual([true, 'Guests leave at noon.'])
  expect(embedding).toEqual({ model: 'test/synonyms', error: 'the service is down' })
  isDown = false
  expect((await index.answer(question)).citations[0]?.file).toBe('docs/urns.md')
})

it.each([
  ['too few vectors', () => []],
  ['what is not a number', (texts: readonly string[]) => texts.map(() => [1, Number.NaN])],
  ['vectors of different lengths', (texts: readonly string[]) => texts.map((_, i) => [1, ...(i > 0 ? [2] : [])])],
  ['empty vectors', (texts: readonly string[]) => texts.map(() => [])],
])('An index whose embedding model gives %s answers by words alone.', async (_, made) => {
  const index = await open({ model: 'test/wrong', embed: async (texts) => made(texts) })
  const { found, embedding } = await index.answer('Who leaves at noon?')
  expect(found).toBe(true)
  expect(embedding?.error).toMatch(/test\/wrong gave no usable vectors/)
})

it('A question that is cancelled while the model is asked is not answered by words.', async () => {
  const index = await open()
  const abort = new AbortController()
  const embed = async () => {
    abort.abort(new Error('no longer needed'))
    throw new Error('aborted')
  }
  const asked = index.answer(question, { embedding: { model: 'test/slow', embed }, signal: abort.signal })
  await expect(asked).rejects.toThrow('aborted')
})

it('An index rejects an embedding model without a name or a function, and a similarity that is no cosine.', async () => {
  await expect(open({ model: '', embed: async () => [] })).rejects.toMatchObject({ code: 'validation.failed' })
  await expect(open({ model: 'x' } as never)).rejects.toMatchObject({ code: 'validation.failed' })
  await expect(open(undefined, { minSimilarity: 2 })).rejects.toMatchObject({ code: 'validation.failed' })
})

it.each([[5], [[9]], [[0, 0]], [['x']], [undefined]])(
  'DocumentIndex keeps the order of the search, and says so, if a reranking model returns %j.',
  async (order) => {
    const index = await open()
    const reranking = { model: 'test/ranker', rerank: async () => order as never }
    const found = await index.answer('When was the urn burnished?', { reranking })
    expect(found.citations).toEqual((await index.answer('When was the urn burnished?')).citations)
    expect(found.reranking?.error).toContain('The reranking model test/ranker gave no usable ranking')
  },
)
