import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EmbeddingModelV4, RerankingModelV4 } from '@ai-sdk/provider'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDocumentIndex, DocumentIndex } from '../documents/index.ts'
import { createTroupe } from '../startup/create-troupe.ts'
import { LlmAgent } from '../startup/llm-agent.ts'
import { MockModel } from '../testing/index.ts'
import { searchDocuments } from './search-documents.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'search-documents-'))
  mkdirSync(join(root, 'docs'))
  writeFileSync(
    join(root, 'docs/urns.md'),
    '# Workshop\n\nThe urn was burnished on Tuesday.\n\nBread is baked at dawn.\n',
  )
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A model that knows two meanings: urns and bread. */
function embeddingModel(fails = false) {
  const asked: string[] = []
  const model: EmbeddingModelV4 = {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'meaning',
    maxEmbeddingsPerCall: 100,
    supportsParallelCalls: false,
    async doEmbed({ values }) {
      if (fails) throw new Error('the service is down')
      asked.push(...values)
      const embeddings = values.map((text) => (/urn|samovar/.test(text) ? [1, 0] : [0, 1]))
      return { embeddings, usage: { tokens: values.length }, warnings: [] }
    },
  }
  return { model, asked }
}

async function searched(query: string, model: EmbeddingModelV4 | undefined, index: DocumentIndex) {
  const mock = new MockModel({
    responses: [{ toolCalls: [{ name: 'search_documents', args: { query } }] }, { text: 'Done.' }],
  })
  const agent = new LlmAgent({ name: 'Clerk', model: mock, instructions: 'Help.', tools: [searchDocuments(index)] })
  const models = model ? { embedding: model } : {}
  const prices = { 'mock/meaning': { input: 1, output: 0 } }
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [agent], models, prices })
  const costs: unknown[] = []
  troupe.on('model.embedded', ({ cost, userId }) => costs.push([userId, cost]))
  await troupe.user('ada').session(agent).chat('Search.')
  const last = mock.calls[1]?.prompt.at(-1)
  return { result: JSON.stringify(last?.content), costs }
}
const open = () => DocumentIndex.open({ folders: [join(root, 'docs')] }, { base: root, store: join(root, 'index') })
const question = 'Who polished my samovar?'

it('searchDocuments asks the embedding model of the troupe, priced, and stores the vectors with the index.', async () => {
  const first = embeddingModel()
  const { result, costs } = await searched(question, first.model, await open())
  expect(result).toContain('The urn was burnished on Tuesday.')
  expect(result).toMatch(/"near":false/)
  expect(costs).toEqual([
    ['ada', 2e-6],
    ['ada', 1e-6],
  ])
  const second = embeddingModel()
  await searched(question, second.model, await open())
  expect(second.asked).toEqual([question])
})

it('searchDocuments searches by words alone in a troupe without an embedding model.', async () => {
  const { result, costs } = await searched('When is bread baked?', undefined, await open())
  expect(result).toContain('Bread is baked at dawn.')
  expect(result).not.toContain('embedding model')
  expect(costs).toEqual([])
  expect((await searched(question, undefined, await open())).result).not.toContain('burnished')
})

it('searchDocuments says that it searched by words alone where the embedding model fails.', async () => {
  const { result } = await searched('When is bread baked?', embeddingModel(true).model, await open())
  expect(result).toContain('Bread is baked at dawn.')
  expect(result).toContain('The embedding model could not be asked')
  expect(result).not.toContain('the service is down')
})

/** Prefers texts with the word. */
function rerankingModel(word: string, fails = false) {
  const asked: string[][] = []
  const model: RerankingModelV4 = {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'ranker',
    async doRerank({ documents }) {
      if (fails) throw new Error('the service is down')
      const values = documents.values as string[]
      asked.push(values)
      return { ranking: values.map((text, index) => ({ index, relevanceScore: text.includes(word) ? 1 : 0 })) }
    },
  }
  return { model, asked }
}

async function searchedRun(model: RerankingModelV4 | undefined) {
  const folder = mkdtempSync(join(root, 'ranked-'))
  const lines = ['The fee of a ticket is 10 euros.', 'The ticket fee for children is 5 euros.', 'A ticket has a fee.']
  writeFileSync(join(folder, 'fees.md'), `# Fees\n\n${lines.join('\n\n')}\n`)
  const index = await DocumentIndex.open({ folders: [folder] }, { base: root })
  const responses = [{ toolCalls: [{ name: 'search_documents', args: { query: 'ticket fee' } }] }, { text: 'Done.' }]
  const mock = new MockModel({ responses })
  const agent = new LlmAgent({ name: 'Clerk', model: mock, instructions: 'Help.', tools: [searchDocuments(index)] })
  const models = model ? { reranking: model } : {}
  const prices = { 'mock/ranker': { input: 0, output: 0, search: 2_000 }, 'mock/model': { input: 0, output: 0 } }
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [agent], models, prices })
  const { orchestra } = troupe.user('ada')
  const topology = { agents: [agent], flows: ['Start -> Clerk', 'Clerk -> End'] }
  const run = await orchestra.start({ task: 'Search.', topology })
  const { cost } = await run.result()
  const { identical } = await orchestra.verifyReplay(run.id)
  return { result: JSON.stringify(mock.calls[1]?.prompt.at(-1)?.content), identical, usd: cost.usd }
}

it('searchDocuments orders its passages by the reranking model of the troupe, which a replay does not ask.', async () => {
  const quotes = ({ result }: { readonly result: string }) => result.search('children') < result.search('10 euros')
  const children = rerankingModel('children')
  const first = await searchedRun(children.model)
  expect([quotes(first), first.identical, children.asked.length]).toEqual([true, true, 1])
  expect(first.result).not.toContain('$modelCalls')
  expect([first.usd, (await searchedRun(undefined)).usd]).toEqual([2, 0])
  expect(quotes(await searchedRun(rerankingModel('10 euros').model))).toBe(false)
})

it('searchDocuments keeps the order of the search and says so where the reranking model fails.', async () => {
  const { result } = await searchedRun(rerankingModel('children', true).model)
  expect(result).toContain('10 euros')
  expect(result).toContain('The reranking model could not be asked')
  expect(result).not.toContain('the service is down')
  expect((await searchedRun(undefined)).result).not.toContain('reranking')
})

it('searchDocuments takes folders in place of an index, and indexes them at its first call.', async () => {
  const folder = join(root, 'later')
  const tool = searchDocuments({ folders: [folder] })
  const ask = () =>
    tool.execute({ query: 'When is bread baked?' }, { signal: new AbortController().signal, key: 'k' } as never)
  await expect(ask()).rejects.toMatchObject({ code: 'documents.unreadable' })
  mkdirSync(folder)
  writeFileSync(join(folder, 'bread.md'), 'Bread is baked at dawn.\n')
  for (let i = 0; i < 2; i++) expect(JSON.stringify(await ask())).toContain('Bread is baked at dawn.')
})

it.each([5, null, { folder: 'docs' }, { folders: 'docs' }])(
  'searchDocuments rejects %o, which is neither an index nor names folders.',
  (documents) => {
    expect(() => searchDocuments(documents as never)).toThrow(expect.objectContaining({ name: 'ValidationError' }))
  },
)

it('createDocumentIndex opens an index of the folders.', async () => {
  const index = await createDocumentIndex({ folders: [join(root, 'docs')] })
  expect((await index.answer('When is bread baked?')).found).toBe(true)
})
